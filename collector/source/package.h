/* SPDX-License-Identifier: Apache-2.0
 *
 * Which Debian package owns a path: an index over dpkg's file lists, made once, before anything
 * is watched (making it later would let rings run full).
 */
#ifndef SOWATCH_SOURCE_PACKAGE_H
#define SOWATCH_SOURCE_PACKAGE_H

#include <stdint.h>

struct packages;

struct package {
	const char *name, *version; /* live as long as the index */
};

/* directory: /var/lib/dpkg. NULL when it is not there or memory is short: nothing is owned. */
struct packages *packages_open(const char *directory, uint64_t seed);
void packages_free(struct packages *packages);
uint32_t packages_paths(const struct packages *packages);
/* A path owned by several packages (directories, mostly) answers no package. NULL-tolerant. */
const struct package *packages_find(const struct packages *packages, const char *path);

#endif
