/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens and closes /dev/null at a steady rate below ten frames: so many times a millisecond, in so
 * many threads. Prints the rate that was reached, events per second; it is lower than the one asked
 * for where the calls themselves take too long.
 *
 *	bench_rate EVENTS_PER_SECOND MILLISECONDS [THREADS]
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long rate = 10000, ticks = 1000;
static int threads = 1;

static __attribute__((noinline)) void act(int depth)
{
	if (depth > 0) {
		act(depth - 1);
		__asm__ volatile("" ::: "memory");
		return;
	}
	int fd = open("/dev/null", O_RDONLY);

	if (fd < 0) {
		perror("/dev/null");
		exit(1);
	}
	close(fd);
}

static void *run(void *argument)
{
	long share = rate / threads, done = 0;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (long tick = 1; tick <= ticks; tick++) {
		for (long due = share * tick / 1000; done < due; done++)
			act(10);
		next.tv_nsec += 1000000;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	return argument;
}

int main(int argc, char **argv)
{
	struct timespec a, b;
	pthread_t ids[64];

	if (argc > 1)
		rate = atol(argv[1]);
	if (argc > 2)
		ticks = atol(argv[2]);
	if (argc > 3)
		threads = atoi(argv[3]);
	if (threads < 1 || threads > 64 || ticks < 1 || rate < threads)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, run, NULL))
			return 1;
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &b);
	double seconds = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	printf("%.0f\n", (double)(rate / threads * ticks / 1000 * threads) / seconds);
	return 0;
}
