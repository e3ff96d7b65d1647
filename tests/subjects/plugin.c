/* SPDX-License-Identifier: Apache-2.0 */
/* libplugin, libtwin (twice) and libreload_{a,b}: opens one file when told to. The constant makes
 * two builds of this differ. */
#include <fcntl.h>
#include <unistd.h>

#include "libs.h"

#ifndef PLUGIN_MARK
#define PLUGIN_MARK 0
#endif
extern const int plugin_mark;
const int plugin_mark = PLUGIN_MARK;

int plugin_act(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return -1;
	close(fd);
	return plugin_mark;
}
