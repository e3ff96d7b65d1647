/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the rooms of python_dist.h: python_site.c reads which distributions a directory has,
 * python_list.c what they list, python_editable.c which are installed as a source tree elsewhere;
 * python_dist.c answers.
 */
#ifndef SOWATCH_SOURCE_PYTHON_DIST_INNER_H
#define SOWATCH_SOURCE_PYTHON_DIST_INNER_H

#include <time.h>

#include "map.h"
#include "python_dist.h"

#define DIST_HEADER_BYTES_MAX (64u << 10)
#define DIST_LIST_BYTES_MAX (32u << 20)
#define CLAIM_SHARED UINT32_MAX

struct dist {
	char *name, *version, *info; /* info: path */
	char *tops;		     /* top_level.txt, or NULL */
	bool lists_files, has_hashes; /* has_hashes: its list is a RECORD */
};

/* A line of a list. */
struct claim {
	uint32_t dist; /* index, or CLAIM_SHARED */
	bool has_hash;
	uint8_t sha256[32];
	uint64_t size;
	struct timespec checked; /* the file as it was changed then had that digest */
};

struct site {
	char *path;
	struct timespec changed;
	bool is_site, has_lists, has_editables; /* the files' lists, the source trees were read */
	struct dist *dists;
	uint32_t count;
	struct map owners; /* path -> index of the claim + 1 */
	struct claim *claims;
	uint32_t claim_count;
};

/* A directory or module outside all sites that a distribution is installed as. */
struct editable {
	char *path; /* real */
	bool is_module; /* path is what is imported: a package, or a file without its .py */
	uint32_t site; /* index of the site that says so */
	char *name, *version, *info;
};

struct dists {
	uint64_t seed;
	struct map index; /* path -> index of the site + 1 */
	struct site *sites;
	uint32_t count;
	struct editable *editables;
	uint32_t editable_count;
	char *copy; /* the archive asked for last, and whose it is a copy of */
	struct timespec copy_changed;
	const struct package *copy_package;
};

/* --- python_site.c */
/* NULL: not a directory that has distributions in it. Valid until the next call. */
struct site *site_get(struct dists *dists, const char *path);
void site_clear(struct dists *dists, struct site *site);
/* At most max bytes of a regular file, NUL-terminated, to be freed; NULL: it cannot be had. */
char *dist_text(const char *path, size_t max);
char *dist_text_in(const char *directory, const char *name, size_t max);
/* "Name: x" of a metadata file's head. NULL: it has none; text may be NULL. */
char *dist_header(const char *text, const char *name);
void dist_name_normalise(const char *name, char *ret, size_t bytes);
/* Name and version of "requests-2.28.1.dist-info", where they are not known better. */
void dist_name_of_file(struct dist *dist, const char *file);
bool dist_ends_with(const char *text, const char *end);
/* Does its top_level.txt say that it has the module? */
bool dist_has_top(const struct dist *dist, const char *top, size_t len);

/* --- python_list.c */
void lists_read(struct dists *dists, struct site *site);
/* NULL: nobody lists it. */
struct claim *claim_find(const struct dists *dists, const struct site *site, const char *path);
/* Is the file at path what that claim speaks of, so that it is the distribution's own? */
bool claim_holds(const struct site *site, struct claim *claim, const char *path);

/* --- python_editable.c */
void editables_read(struct dists *dists, struct site *site);
void editables_forget(struct dists *dists, uint32_t site);
void editables_free(struct dists *dists);
/* The source tree that path is in; NULL: none, or several. */
const struct editable *editable_find(const struct dists *dists, const char *path);

#endif
