/* SPDX-License-Identifier: Apache-2.0 */
/* altstack FILE: a handler on an alternate stack of the classic 8 KiB opens FILE; the page below
 * that stack is not accessible, so an overflow kills the program. */
#include <signal.h>
#include <sys/mman.h>

#include "libs.h"
#include "subject.h"

#define ALTERNATE_BYTES 8192

static const char *path;
static volatile int opened;

static void on_usr1(int number)
{
	int fd = opener_open(path);

	(void)number;
	if (fd >= 0) {
		close(fd);
		opened++;
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_usr1, .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_size = ALTERNATE_BYTES };
	char *memory;

	if (argc != 2)
		return 2;
	path = argv[1];
	memory = mmap(NULL, 4096 + ALTERNATE_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	want(memory != MAP_FAILED && !mprotect(memory, 4096, PROT_NONE), "mmap");
	stack.ss_sp = memory + 4096;
	want(!sigaltstack(&stack, NULL) && !sigaction(SIGUSR1, &action, NULL), "sigaltstack");
	for (int i = 0; i < 100; i++)
		raise(SIGUSR1);
	printf("opened %d\n", opened);
	return 0;
}
