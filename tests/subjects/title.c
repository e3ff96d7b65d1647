/* SPDX-License-Identifier: Apache-2.0 */
/* title FILE: does to argv and the environment's memory what programs do that set their title, and
 * then forks. */
#include <sys/mman.h>
#include <sys/wait.h>

#include "libs.h"
#include "subject.h"

int main(int argc, char **argv)
{
	char *start = argv[0], *end = argv[argc - 1] + strlen(argv[argc - 1]) + 1, *file, *gone;
	int status = 0;
	pid_t child;

	want(argc > 1, "usage");
	file = strdup(argv[1]);
	for (char **variable = environ; *variable; variable++) {
		if (*variable == end)
			end += strlen(end) + 1;
		*variable = strdup(*variable);
	}
	gone = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	want(gone != MAP_FAILED && !munmap(gone, 4096), "mmap");
	memset(start, 'T', (size_t)(end - start) - 1);
	argv[0] = gone;
	argv[1] = NULL;
	child = fork();
	if (!child)
		_exit(opener_open(file) < 0);
	waitpid(child, &status, 0);
	printf("child %x, HOME %s\n", (unsigned)status, getenv("HOME") ? "there" : "gone");
	free(file);
	return 0;
}
