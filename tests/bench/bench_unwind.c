/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_unwind [SECONDS]: offline unwinding of copies of our own stack, at several depths: warm
 * (all rows remembered), and from nothing (map read, objects opened, rows computed).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "collector/unwind/unwind.h"
#include "tests/unit/test_unwind_offline.h"

static struct wire_kernel_regs regs;
static uint8_t copy[WIRE_KERNEL_STACK_MAX];
static size_t copy_bytes;
static struct unwind_stack stack;

static double now_s(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static NOINLINE int take(const void *a, const void *b)
{
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	ucontext_t context;

	getcontext(&context);
	regs = regs_of_context(&context);
	copy_bytes = stack_copy(fd, regs.sp, copy, sizeof(copy));
	close(fd);
	return *(const int *)a - *(const int *)b;
}

static NOINLINE void recurse(int depth)
{
	int values[2] = {2, 1};

	if (depth)
		recurse(depth - 1);
	else
		qsort(values, 2, sizeof(*values), take);
	__asm__ volatile("");
}

static void once(struct unwind *unwind)
{
	struct unwind_input input = {who_of(getpid(), getpid()), &regs, copy, copy_bytes, false};

	if (unwind_stack(unwind, &input, &stack) < 0 || stack.flags) {
		fprintf(stderr, "bench_unwind: a stack is not whole\n");
		exit(1);
	}
}

static void bench(int depth, double seconds)
{
	struct unwind *unwind;
	unsigned warm = 0, cold = 0;
	double start, warm_s, cold_s;

	recurse(depth);
	if (unwind_open(&unwind) < 0)
		exit(1);
	once(unwind);
	for (start = now_s(); (warm_s = now_s() - start) < seconds; warm += 64) {
		for (unsigned i = 0; i < 64; i++)
			once(unwind);
	}
	unwind_close(unwind);
	for (start = now_s(); (cold_s = now_s() - start) < seconds; cold++) {
		if (unwind_open(&unwind) < 0)
			exit(1);
		once(unwind);
		unwind_close(unwind);
	}
	printf("%3u frames  warm %9.0f stacks/s (%4.0f ns/frame)  from nothing %6.2f ms\n",
	       stack.count, warm / warm_s, warm_s / warm / stack.count * 1e9, cold_s / cold * 1e3);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 0.5;

	bench(2, seconds);
	bench(14, seconds);
	bench(60, seconds);
	return 0;
}
