/* SPDX-License-Identifier: Apache-2.0 */
// libcatcher: catches across two libraries; a destructor acts while the stack is being unwound.
#include <stdexcept>

#include <unistd.h>

#include "libs.h"

namespace {
struct Guard {
	const char *path;
	~Guard()
	{
		int fd = opener_open(path);

		if (fd >= 0)
			close(fd);
	}
};
}

int catcher_catch(const char *path, const char *other)
{
	try {
		Guard guard = { other };

		thrower_throw(path);
	} catch (const std::exception &) {
		return 1;
	}
	return 0;
}
