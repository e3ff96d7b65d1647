/* SPDX-License-Identifier: Apache-2.0 */
/* evade_bomb COUNT FILE: every process forks as fast as it can until there are COUNT, all alive at
 * once; each then opens FILE through libopener. Bounded by a shared counter. */
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../libs.h"
#include "../subject.h"

static struct shared {
	atomic_int born, opened;
} *shared;

static void one(int count, const char *path)
{
	int fd = opener_open(path);

	if (fd >= 0)
		atomic_fetch_add(&shared->opened, 1);
	close(fd);
	/* Nobody goes before all have been. */
	for (int i = 0; i < 3000 && atomic_load(&shared->opened) < count; i++)
		usleep(10000);
	while (wait(NULL) > 0)
		;
}

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[1]) : 0, is_root = 1;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	want(count > 0 && count <= 2000 && shared != MAP_FAILED, "arguments");
	atomic_store(&shared->born, 1);
	while (atomic_fetch_add(&shared->born, 1) < count) {
		pid_t pid = fork();

		want(pid >= 0, "fork");
		if (!pid)
			is_root = 0;
	}
	one(count, argv[2]);
	if (!is_root)
		_exit(0);
	printf("did it: %d\n", atomic_load(&shared->opened));
	return 0;
}
