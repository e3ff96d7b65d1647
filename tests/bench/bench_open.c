/* SPDX-License-Identifier: Apache-2.0
 *
 * The measured loop of the budgets: open and close /dev/null below a stack of so many frames, in so
 * many threads. Prints nanoseconds per iteration.
 *
 *	bench_open ITERATIONS [FRAMES] [THREADS] [unique]
 *
 * unique: every iteration comes from another stack (a different path of calls).
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long iterations = 1000000;
static int frames = 14, threads = 1, is_unique;

static __attribute__((noinline)) void act(void)
{
	int fd = open("/dev/null", O_RDONLY);

	if (fd < 0) {
		perror("/dev/null");
		exit(1);
	}
	close(fd);
}

/* Two ways down at every level: the bits of `way` choose, so that stacks can be made unique. */
static __attribute__((noinline)) void down(int depth, unsigned long way)
{
	if (depth <= 0) {
		act();
	} else if (way & 1) {
		down(depth - 1, way >> 1);
		__asm__ volatile("" ::: "memory");
	} else {
		down(depth - 1, way >> 1);
		__asm__ volatile("nop" ::: "memory");
	}
}

static __attribute__((noinline)) void loop(int depth, unsigned long way)
{
	if (depth > 0) {
		loop(depth - 1, way);
		__asm__ volatile("" ::: "memory");
		return;
	}
	for (long i = 0; i < iterations; i++)
		act();
}

static void *run(void *argument)
{
	unsigned long seed = (unsigned long)argument;

	if (!is_unique) {
		/* main, run, act and libc's own frames count too */
		loop(frames - 5, seed);
		return NULL;
	}
	for (long i = 0; i < iterations; i++)
		down(frames - 4, (unsigned long)i * 2654435761u + seed);
	return NULL;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	pthread_t ids[64];
	double start;

	if (argc > 1)
		iterations = atol(argv[1]);
	if (argc > 2)
		frames = atoi(argv[2]);
	if (argc > 3)
		threads = atoi(argv[3]);
	is_unique = argc > 4 && !strcmp(argv[4], "unique");
	if (threads > 64 || threads < 1)
		return 2;
	start = now();
	if (threads == 1)
		run(NULL);
	for (int i = 0; threads > 1 && i < threads; i++)
		if (pthread_create(&ids[i], NULL, run, (void *)(unsigned long)i))
			return 1;
	for (int i = 0; threads > 1 && i < threads; i++)
		pthread_join(ids[i], NULL);
	printf("%.1f\n", (now() - start) / (double)iterations);
	return 0;
}
