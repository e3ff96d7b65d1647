/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the texts of policies and of cases come from: files and directories, told apart and read
 * with the limits that both kinds share. What is done with a path is the caller's.
 */
#ifndef SOWATCH_POLICY_YAML_FILES_H
#define SOWATCH_POLICY_YAML_FILES_H

#include <sys/types.h>

#include "pool.h"

#define YAML_FILE_BYTES_MAX (8u << 20)
#define YAML_FILES_MAX 10000u
#define YAML_FILE_TOO_LARGE "is larger than 8 MiB"
#define YAML_FILE_NOT_REGULAR "is not a regular file" /* a pipe would never end */

struct yaml_files {
	struct pool *pool; /* of the paths; running out of it unwinds to its owner */
	void *dir;	   /* being read, so that the owner can close it: yaml_files_done */
	char *buffer;	   /* the file read last */
	size_t room;
};

struct yaml_paths {
	const char **paths;
	uint32_t count;
};

/* Ends in .yaml or .yml. */
bool yaml_files_is_name(const char *name);
/* The whole of what fd has into files->buffer: bytes or negative errno, -EFBIG past the limit. */
ssize_t yaml_files_read(struct yaml_files *files, int fd);
/* What lies in a directory, hidden names left out, by name: 0 or negative errno, -E2BIG past
 * YAML_FILES_MAX. */
int yaml_files_list(struct yaml_files *files, const char *path, struct yaml_paths *ret_names);
/* One more path, kept and not copied. false: there are YAML_FILES_MAX. */
bool yaml_files_add(struct yaml_files *files, struct yaml_paths *paths, const char *path);
void yaml_files_done(struct yaml_files *files);

#endif
