/* SPDX-License-Identifier: Apache-2.0 */
// libthrower: throws out of a function that just used a hooked call.
#include <stdexcept>

#include <unistd.h>

#include "libs.h"

void thrower_throw(const char *path)
{
	int fd = opener_open(path);

	if (fd < 0)
		return;
	close(fd);
	throw std::runtime_error("thrown on purpose");
}
