/* SPDX-License-Identifier: Apache-2.0 */
/* A library the user preloads; it must stay in force, and be in front of everything but the shim. */
#include <sys/types.h>
#include <unistd.h>

pid_t getppid(void)
{
	return 4242;
}
