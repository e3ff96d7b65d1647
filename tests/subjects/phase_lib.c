/* SPDX-License-Identifier: Apache-2.0 */
/* libphase_linked and libphase_loaded: open a file each when they come, when called and when they go. */
#include <fcntl.h>
#include <unistd.h>

#define NAME_OF(when) PHASE_NAME "." when

int phase_act(void);

static void phase_open(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd >= 0)
		close(fd);
}

__attribute__((constructor)) static void phase_come(void)
{
	phase_open(NAME_OF("ctor"));
}

__attribute__((destructor)) static void phase_go(void)
{
	phase_open(NAME_OF("dtor"));
}

int phase_act(void)
{
	phase_open(NAME_OF("act"));
	return 0;
}
