/* SPDX-License-Identifier: Apache-2.0 */
/* threads64 FILE COUNT: 64 threads, each has libopener open FILE COUNT times, all at once. */
#include <pthread.h>

#include "libs.h"
#include "subject.h"

static pthread_barrier_t start;
static const char *path;
static int count;

static void *run(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&start);
	for (int i = 0; i < count; i++) {
		int fd = opener_open(path);

		want(fd >= 0, path);
		close(fd);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[64];

	if (argc != 3)
		return 2;
	path = argv[1];
	count = atoi(argv[2]);
	pthread_barrier_init(&start, NULL, 64);
	for (int i = 0; i < 64; i++)
		want(!pthread_create(&threads[i], NULL, run, NULL), "pthread_create");
	for (int i = 0; i < 64; i++)
		pthread_join(threads[i], NULL);
	puts("64 threads");
	return 0;
}
