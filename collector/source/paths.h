/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths as a process passed them -> real paths as that process's root shows them. Directories are
 * remembered for PATHS_TTL_MS. A process's own /proc/PID is always /proc/self.
 */
#ifndef SOWATCH_SOURCE_PATHS_H
#define SOWATCH_SOURCE_PATHS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "map.h"

#define PATHS_TTL_MS 100u
#define PATHS_MAX (1u << 16)

struct paths {
	uint64_t seed;
	uint32_t now_ms;
	struct map directories; /* value: place in text */
	char *text;
	size_t text_len, text_bytes;
};

/* Whose eyes. */
struct path_view {
	char root[32]; /* "" when its root is ours, else "/proc/PID/root" */
	/* Where that root is in our own tree, or NULL: it is ours, or in another mount namespace.
	 * Then what is recorded is outside + path: else a jail's /usr/bin/x would be ours. */
	const char *outside;
	bool is_lost; /* its root is neither ours nor known: nothing can be resolved */
	uint32_t pid;  /* in our pid namespace, 0: unknown */
	uint32_t own_pid; /* in its own */
};

struct path_buffer {
	size_t len;
	char text[PATH_MAX];
};

enum path_result {
	PATH_REAL = 0,	/* it is there */
	PATH_MISSING,	/* its directory or itself is not there: the tail is as asked */
	PATH_UNRESOLVED /* could not be looked up; lexically normalised only */
};

void paths_done(struct paths *paths);
/* base (absolute, or "" when unknown) matters when path is relative. follow: the last component
 * too, when it is a symbolic link. Never fails: *ret is always NUL-terminated and filled. */
enum path_result paths_real(struct paths *paths, const struct path_view *view, const char *base,
			    size_t base_len, const char *path, size_t path_len, bool follow,
			    struct path_buffer *ret);
/* Is it known where path begins? */
bool paths_is_anchored(const struct path_view *view, const char *base, size_t base_len,
		       const char *path, size_t path_len);
/* Resolves . and .. and double slashes without looking at the disk. */
void paths_normalise(const char *path, size_t len, struct path_buffer *ret);
/* Takes the kernel's " (deleted)" off the end; false when it is not there. */
bool paths_strip_deleted(struct path_buffer *path);
/* Where path (absolute, as the process sees it) is for us. */
void paths_host(const struct path_view *view, const char *path, struct path_buffer *ret);
/* The same for a path as it is recorded. */
void paths_host_recorded(const struct path_view *view, const char *path, struct path_buffer *ret);
/* As the process sees it -> as it is recorded; false: too long, shortened. */
bool paths_record(const struct path_view *view, struct path_buffer *path);
/* How much of a recorded path is view->outside; 0: none, or the path is not below it. */
size_t paths_outside(const struct path_view *view, const struct path_buffer *path);

#endif
