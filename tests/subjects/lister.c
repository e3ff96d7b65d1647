/* SPDX-License-Identifier: Apache-2.0 */
/* liblister: opens a file of its own choice while libc lists a directory for it. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "libs.h"

static const char *opened_path;

static int filter_opens(const struct dirent *entry)
{
	int fd = entry->d_name[0] == '.' ? -1 : open(opened_path, O_RDONLY);

	if (fd >= 0)
		close(fd);
	return 0;
}

int lister_list(const char *directory, const char *path)
{
	struct dirent **list;

	opened_path = path;
	return scandir(directory, &list, filter_opens, NULL);
}

static int each_opens(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	int fd = kind == FTW_F && status && place->level ? open(opened_path, O_RDONLY) : -1;

	if (fd >= 0)
		close(fd);
	return !path;
}

int lister_walk(const char *directory, const char *path)
{
	opened_path = path;
	return nftw(directory, each_opens, 4, FTW_PHYS);
}
