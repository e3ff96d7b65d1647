/* SPDX-License-Identifier: Apache-2.0 */
/* Opens FILE and is killed at once: what it did last must not be lost. */
#include <signal.h>

#include "libs.h"
#include "subject.h"

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	want(opener_open(argv[1]) >= 0, argv[1]);
	kill(getpid(), SIGKILL);
	return 0;
}
