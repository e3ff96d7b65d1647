/* SPDX-License-Identifier: Apache-2.0 */
/* many_programs COUNT: with an environment of 700 variables, starts COUNT programs by vfork and exec
 * and says whether its address space has grown by more than one of them. */
#include <sys/wait.h>

#include "subject.h"

static long size_pages(void)
{
	FILE *stream = fopen("/proc/self/statm", "r");
	long pages = 0;

	want(stream && fscanf(stream, "%ld", &pages) == 1, "statm");
	fclose(stream);
	return pages;
}

static void start_one(void)
{
	char *const argv[] = { "true", NULL };
	pid_t child = vfork();

	if (!child) {
		execv("/bin/true", argv);
		_exit(1);
	}
	want(waitpid(child, NULL, 0) == child, "waitpid");
}

int main(int argc, char **argv)
{
	char name[32];
	long before;

	for (int i = 0; i < 700; i++) {
		snprintf(name, sizeof(name), "VARIABLE_%d", i);
		setenv(name, "value", 1);
	}
	start_one();
	before = size_pages();
	for (int i = 0; i < (argc > 1 ? atoi(argv[1]) : 0); i++)
		start_one();
	puts(size_pages() - before < 8 ? "as large as before" : "grown");
	return 0;
}
