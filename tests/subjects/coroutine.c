/* SPDX-License-Identifier: Apache-2.0 */
/* coroutine FILE COUNT: 16 coroutines on stacks of their own take turns; each has libopener open
 * FILE COUNT times, switching away between any two. */
#include <ucontext.h>

#include "libs.h"
#include "subject.h"

#define COROUTINES 16
#define STACK_BYTES (64 << 10)

static ucontext_t scheduler, contexts[COROUTINES];
static char stacks[COROUTINES][STACK_BYTES] __attribute__((aligned(64)));
static const char *path;
static int count, opened;

static void run(int self)
{
	for (int i = 0; i < count; i++) {
		int fd = opener_open(path);

		want(fd >= 0, path);
		close(fd);
		opened++;
		swapcontext(&contexts[self], &scheduler);
	}
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	path = argv[1];
	count = atoi(argv[2]);
	for (int i = 0; i < COROUTINES; i++) {
		getcontext(&contexts[i]);
		contexts[i].uc_stack.ss_sp = stacks[i];
		contexts[i].uc_stack.ss_size = STACK_BYTES;
		contexts[i].uc_link = &scheduler;
		makecontext(&contexts[i], (void (*)(void))run, 1, i);
	}
	for (int turn = 0; turn < count; turn++)
		for (int i = 0; i < COROUTINES; i++)
			swapcontext(&scheduler, &contexts[i]);
	printf("opened %d\n", opened);
	return 0;
}
