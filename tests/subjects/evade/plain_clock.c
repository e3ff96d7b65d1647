/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that the vDSO answers, and their fallbacks into the kernel. */
#include <sched.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>

#include "evade.h"

int main(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
					    CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };
	struct timespec now;
	struct timeval day;

	for (int i = 0; i < 100000; i++) {
		clock_gettime(clocks[i % 5], &now);
		gettimeofday(&day, NULL);
		time(NULL);
		sched_getcpu();
	}
	puts("did it");
	go_on();
	return 0;
}
