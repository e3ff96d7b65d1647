/* SPDX-License-Identifier: Apache-2.0
 *
 * Which Python distribution owns a file: by the RECORD of its dist-info, by the installed-files.txt
 * of its egg-info, by the source tree it is installed as, or, where a Debian package brought the file,
 * by the dist-info of that package.
 * What a directory has installed in it is read once and again when the directory has changed.
 */
#ifndef SOWATCH_SOURCE_PYTHON_DIST_H
#define SOWATCH_SOURCE_PYTHON_DIST_H

#include <stdbool.h>
#include <stdint.h>

#include "package.h"

struct dists;

struct dist_owner {
	char name[128];	   /* normalised: lower case, - for runs of - _ . */
	char version[64];  /* "" not known */
	char package[128]; /* who vouches for the file: the Debian package, else the distribution that
			      lists it; "" nobody does */
	char root[1024];   /* its dist-info, or what stands for it */
};

struct dists *dists_new(uint64_t seed);
void dists_free(struct dists *dists);
/* path: absolute and real, as it can be opened here. packages: NULL where dpkg's word does not
 * count. False: it is installed nowhere, the application's own. */
bool dists_find(struct dists *dists, const struct packages *packages, const char *path,
		struct dist_owner *ret);

/* A directory that an interpreter takes packages from: the source trees it says are installed. */
void dists_note(struct dists *dists, const char *directory);
/* Is the file at path (as above) one of a distribution's own, and the one its list speaks of? Its
 * dist-info into ret_root. */
bool dists_own(struct dists *dists, const char *path, char *ret_root, size_t bytes);

#endif
