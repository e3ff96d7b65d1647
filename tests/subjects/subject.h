/* SPDX-License-Identifier: Apache-2.0 */
/* What the subject programs share: fail loudly, and do nothing else. */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void die(const char *what)
{
	fprintf(stderr, "subject: %s: %s\n", what, strerror(errno));
	exit(99);
}

static inline void want(int ok, const char *what)
{
	if (!ok)
		die(what);
}

#endif
