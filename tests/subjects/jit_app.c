/* SPDX-License-Identifier: Apache-2.0 */
/* jit_app framed|bare|raw|forked FILE COUNT: libasker has code made at run time open FILE, each time
 * from a page of its own; in a forked child what its parent made. */
#include <sys/wait.h>

#include "jit.h"
#include "subject.h"

static int opened;

static void act(jit_code code, const char *path)
{
	int fd = code ? asker_ask(code, path) : -1;

	want(fd >= 0, path);
	close(fd);
	opened++;
}

/* rbp is its own, whatever the compiler was told: code without a frame leaves it there. */
__attribute__((noinline, optimize("no-omit-frame-pointer"))) static void
act_many(const char *how, const char *path, int count)
{
	enum jit_frame frame = !strcmp(how, "bare") ? JIT_BARE : JIT_FRAMED;

	for (int i = 0; i < count; i++)
		act(jit_make(frame, !strcmp(how, "raw")), path);
}

static int act_forked(const char *path, int count)
{
	jit_code code = jit_make(JIT_FRAMED, false);
	int status = 1;
	pid_t child;

	for (int i = 0; i < count; i++) {
		child = fork();
		if (!child) {
			act(code, path);
			_exit(0);
		}
		if (waitpid(child, &status, 0) != child || status)
			return 1;
		opened++;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	if (!strcmp(argv[1], "forked")) {
		if (act_forked(argv[2], atoi(argv[3])))
			return 1;
	} else {
		act_many(argv[1], argv[2], atoi(argv[3]));
	}
	printf("opened %d\n", opened);
	return 0;
}
