/* SPDX-License-Identifier: Apache-2.0
 *
 * Which changes in the file system may change a policy.
 */
#ifndef SOWATCH_CLI_RELOAD_WATCH_H
#define SOWATCH_CLI_RELOAD_WATCH_H

#include <stdbool.h>

struct watch {
	int id;	    /* inotify's */
	char *name; /* the one of interest in this directory; NULL: whatever could be a policy */
};

struct watches {
	int fd;
	struct watch *list;
	unsigned count;
};

/* 0 or negative errno; fd is then open. */
int watches_open(struct watches *watches);
/* Adds the file or directory, and what stands above it: also a path that is replaced, or not there
 * at the moment, is noticed. Adding again what is there costs nothing. 0 or negative errno. */
int watches_add(struct watches *watches, const char *path);
/* Reads what has come; true when a policy may have changed. */
bool watches_read(struct watches *watches);
void watches_done(struct watches *watches);

#endif
