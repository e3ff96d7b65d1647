/* SPDX-License-Identifier: Apache-2.0 */
/* flood FILE THREADS COUNT: THREADS threads have libopener open FILE COUNT times each. */
#include <pthread.h>

#include "libs.h"
#include "subject.h"

static const char *path;
static long count;

static void *run(void *arg)
{
	for (long i = 0; i < count; i++) {
		int fd = opener_open(path);

		want(fd >= 0, path);
		close(fd);
	}
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t threads[64];
	int many;

	if (argc != 4)
		return 2;
	path = argv[1];
	many = atoi(argv[2]);
	count = atol(argv[3]);
	want(many > 0 && many <= 64, "threads");
	for (int i = 0; i < many; i++)
		want(!pthread_create(&threads[i], NULL, run, NULL), "pthread_create");
	for (int i = 0; i < many; i++)
		pthread_join(threads[i], NULL);
	printf("opened %ld\n", count * many);
	return 0;
}
