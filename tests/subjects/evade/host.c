/* SPDX-License-Identifier: Apache-2.0 */
/* evade_NAME ARG...: linked with libevade_NAME.so, and has it do what it is for. With BRIEF it ends
 * right after that. */
#include "../subject.h"
#include "evade.h"

int main(int argc, char **argv)
{
	int ret = evade(argc - 1, argv + 1);

	if (ret) {
		printf("it could not be done: %d\n", ret);
		return 1;
	}
	puts("did it");
#ifndef BRIEF
	fflush(stdout);
	go_on();
#endif
	return 0;
}
