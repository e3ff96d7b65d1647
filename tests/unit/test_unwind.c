/* SPDX-License-Identifier: Apache-2.0
 *
 * The shim's unwinder against libunwind on the same stacks: plain calls, libc's callbacks, signal
 * frames, alternate stacks, realigned frames, coroutines, and code without any call frame
 * information. libunwind is the reference; it is never part of the shim.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "../../preload/unwind.h"

#define FRAMES 128

struct session session;
__thread struct thread thread_self;

static uint64_t ours[FRAMES];
static unsigned our_count;
static uint32_t our_flags;
static void *theirs[FRAMES];
static int their_count;

static NOINLINE __attribute__((no_sanitize("address", "undefined"))) void take(void)
{
	void **frame = __builtin_frame_address(0);
	struct unwind_frame start = unwind_begin(frame);
	unw_context_t context;
	unw_cursor_t cursor;

	our_flags = 0;
	our_count = 0;
	do
		ours[our_count++] = start.pc - !start.is_exact;
	while (our_count < FRAMES && unwind_step(&start, &our_flags));
	their_count = 0;
	unw_getcontext(&context);
	unw_init_local(&cursor, &context);
	while (their_count < FRAMES && unw_step(&cursor) > 0) {
		unw_word_t pc;

		unw_get_reg(&cursor, UNW_REG_IP, &pc);
		if (!pc)
			break;
		theirs[their_count++] = (void *)(pc - !unw_is_signal_frame(&cursor));
	}
}

/* libunwind says of a signal frame where it stands, and of the frame it interrupted that it does
 * not: both walkers may differ by the one byte of the call instruction there, nowhere else. */
static void check_same(unsigned at_least)
{
	assert_int_equal(our_flags & WIRE_STACK_PARTIAL, 0);
	assert_true(our_count >= at_least);
	assert_int_equal(our_count, their_count);
	for (unsigned i = 0; i < our_count; i++) {
		int64_t difference = (int64_t)(ours[i] - (uint64_t)theirs[i]);

		if (difference < -1 || difference > 1)
			fail_msg("frame %u: %#lx, libunwind says %p", i, ours[i], theirs[i]);
	}
}

static NOINLINE void recurse(int depth)
{
	if (depth)
		recurse(depth - 1);
	else
		take();
	__asm__ volatile("");
}

static void test_calls(void **state)
{
	(void)state;
	recurse(40);
	check_same(41);
	/* a second time from the cache */
	recurse(40);
	check_same(41);
}

static NOINLINE int compare(const void *a, const void *b)
{
	take();
	return *(const int *)a - *(const int *)b;
}

static void test_libc_callback(void **state)
{
	int values[4] = { 3, 1, 2, 0 };

	(void)state;
	qsort(values, 4, sizeof(*values), compare);
	check_same(4);
}

static NOINLINE void realigned(unsigned long bytes)
{
	_Alignas(64) volatile char wide[64];
	char *some = __builtin_alloca(bytes);

	wide[0] = some[0] = 1;
	recurse(3);
	__asm__ volatile("" ::"r"(some), "r"(wide));
}

static void test_realigned(void **state)
{
	(void)state;
	for (unsigned long bytes = 8; bytes < 200; bytes += 24) {
		realigned(bytes);
		check_same(5);
	}
}

static void on_signal(int number)
{
	(void)number;
	recurse(2);
}

static void test_signal(void **state)
{
	struct sigaction action = { .sa_handler = on_signal };

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	check_same(6);
}

static void test_alternate_stack(void **state)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };
	static char room[65536];
	stack_t stack = { .ss_sp = room, .ss_size = sizeof(room) };

	(void)state;
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	check_same(6);
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
}

static ucontext_t back, inside;

static void coroutine(void)
{
	recurse(5);
	swapcontext(&inside, &back);
}

static void test_coroutine(void **state)
{
	static char room[65536];

	(void)state;
	getcontext(&inside);
	inside.uc_stack.ss_sp = room;
	inside.uc_stack.ss_size = sizeof(room);
	inside.uc_link = &back;
	makecontext(&inside, coroutine, 0);
	swapcontext(&back, &inside);
	assert_int_equal(our_flags, 0);
	assert_int_equal(our_count, 8); /* recurse 0..5, coroutine, __start_context */
}

/* push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret: what a JIT emits, no FDE anywhere. */
static const unsigned char jit[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3 };

static void jit_target(void)
{
	recurse(2);
}

static void test_jit(void **state)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool is_found = false;

	(void)state;
	session.pid = (uint32_t)getpid();
	memcpy(code, jit, sizeof(jit));
	((void (*)(void (*)(void)))code)(jit_target);
	assert_int_equal(our_flags, WIRE_STACK_FP);
	for (unsigned i = 0; i < our_count; i++)
		is_found |= ours[i] == (uint64_t)code + 5;
	assert_true(is_found);
	assert_true(our_count > 6);
	munmap(code, 4096);
}

static void *in_thread(void *argument)
{
	(void)argument;
	recurse(10);
	check_same(12);
	return NULL;
}

static void test_thread(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, in_thread, NULL), 0);
	pthread_join(thread, NULL);
}

static void test_function_bounds(void **state)
{
	uint64_t end, start = unwind_function((uint64_t)recurse + 3, &end);

	(void)state;
	assert_int_equal(start, (uint64_t)recurse);
	assert_true(end > start);
	assert_int_equal(unwind_function(16, &end), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),	      cmocka_unit_test(test_libc_callback),
		cmocka_unit_test(test_realigned),     cmocka_unit_test(test_signal),
		cmocka_unit_test(test_alternate_stack), cmocka_unit_test(test_coroutine),
		cmocka_unit_test(test_jit),	      cmocka_unit_test(test_thread),
		cmocka_unit_test(test_function_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
