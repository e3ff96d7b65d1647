/* SPDX-License-Identifier: Apache-2.0 */
/* libearly: a constructor that acts, likely before the shim's own constructor ran. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int early_calls(void);
static int calls;

__attribute__((constructor)) static void early_init(void)
{
	const char *path = getenv("EARLY_FILE");
	int fd = path ? open(path, O_RDONLY) : -1;

	if (fd >= 0) {
		calls++;
		close(fd);
	}
	if (!system("exit 3"))
		calls += 100;
}

int early_calls(void)
{
	return calls;
}
