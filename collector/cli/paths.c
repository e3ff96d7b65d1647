/* SPDX-License-Identifier: Apache-2.0
 *
 * Where our own files are: told by the environment, else found from where the executable is, so
 * that an installation can be moved and a build tree works as it is.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#ifndef SOWATCH_DATADIR
#define SOWATCH_DATADIR "/usr/share/sowatch"
#endif

/* RELATIVE to the executable's directory, made real; false when it is not there. */
static bool find_beside(const char *relative, char ret_path[PATH_MAX])
{
	char self[PATH_MAX], path[PATH_MAX + 64];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len <= 0)
		return false;
	self[len] = 0;
	char *slash = strrchr(self, '/');
	if (!slash)
		return false;
	*slash = 0;
	snprintf(path, sizeof(path), "%s/%s", self, relative);
	return realpath(path, ret_path);
}

static const char *find_first(const char *const *places, char found[PATH_MAX])
{
	for (; *places; places++)
		if (find_beside(*places, found))
			return found;
	return NULL;
}

const char *cli_policies_dir(void)
{
	static char found[PATH_MAX];
	static const char *const places[] = {"../share/sowatch/policies", "../../../policies",
					     "../../policies", NULL};
	const char *told = getenv("SOWATCH_POLICIES");
	if (told && *told)
		return told;
	const char *path = find_first(places, found);
	return path ? path : SOWATCH_DATADIR "/policies";
}

const char *cli_shim_path(void)
{
	static char found[PATH_MAX];
	static const char *const places[] = {"../lib/libsowatch.so", "../lib/sowatch/libsowatch.so",
					     "../" SOWATCH_LIBDIR "/libsowatch.so",
					     "../" SOWATCH_LIBDIR "/sowatch/libsowatch.so", NULL};
	const char *told = getenv("SOWATCH_SHIM");
	if (told && *told)
		return realpath(told, found);
	return find_first(places, found);
}
