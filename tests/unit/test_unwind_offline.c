/* SPDX-License-Identifier: Apache-2.0
 *
 * Offline unwinding of our own stacks, beside libunwind on the living ones: calls, callbacks,
 * signals, coroutines, C++, threads, copies that are cut, and every instruction of libc functions
 * one by one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "test_unwind_offline.h"

#define FRAMES 256

static struct unwind *unwind;
static struct unwind_stack stack;
static uint8_t copy[COPY_BYTES];
static size_t copy_bytes;
static struct wire_kernel_regs regs;
static int memory_fd = -1;
static uint64_t theirs[FRAMES];
static unsigned their_count;

static void offline(const struct wire_kernel_regs *from, const void *bytes, size_t count,
		    bool is_interrupted)
{
	struct unwind_input input = {who_of(getpid(), gettid()), from, bytes, count,
				     is_interrupted};

	assert_int_equal(unwind_stack(unwind, &input, &stack), 0);
	assert_true(stack.count > 0);
}

static NOINLINE void take(void)
{
	ucontext_t context;
	unw_context_t live;
	unw_cursor_t cursor;

	getcontext(&context);
	regs = regs_of_context(&context);
	copy_bytes = stack_copy(memory_fd, regs.sp, copy, sizeof(copy));
	their_count = 0;
	unw_getcontext(&live);
	unw_init_local(&cursor, &live);
	while (their_count < FRAMES && unw_step(&cursor) > 0) {
		unw_word_t pc;

		unw_get_reg(&cursor, UNW_REG_IP, &pc);
		if (!pc)
			break;
		theirs[their_count++] = pc - !unw_is_signal_frame(&cursor);
	}
	offline(&regs, copy, copy_bytes, false);
}

/* Where the loader says that an address is. */
static void check_place(const struct unwind_frame *frame)
{
	struct link_map *map = NULL;
	char real[4096];
	Dl_info info;

	assert_int_equal(frame->kind, UNWIND_OBJECT);
	assert_non_null(frame->object);
	assert_int_not_equal(dladdr1((void *)frame->address, &info, (void **)&map, RTLD_DL_LINKMAP),
			     0);
	assert_int_equal(frame->offset, frame->address - map->l_addr);
	if (frame->object->is_vdso)
		return;
	assert_non_null(realpath(map->l_name[0] ? map->l_name : "/proc/self/exe", real));
	assert_int_equal(strlen(real), frame->path_len);
	assert_memory_equal(real, frame->path, frame->path_len);
}

/* libunwind says of a signal frame where it stands, and of the frame it interrupted that it does
 * not: both walkers may differ by the one byte of the call instruction there, nowhere else. */
static void check_same(unsigned at_least)
{
	if (stack.flags || stack.count != their_count + 1)
		stack_print(&stack);
	assert_int_equal(stack.flags, 0);
	assert_true(stack.count > at_least);
	assert_int_equal(stack.count, their_count + 1);
	for (unsigned i = 0; i < stack.count; i++) {
		int64_t difference = i ? (int64_t)(stack.frames[i].address - theirs[i - 1]) : 0;

		if (difference < -1 || difference > 1)
			fail_msg("frame %u: %#lx, libunwind says %#lx", i, stack.frames[i].address,
				 theirs[i - 1]);
		check_place(&stack.frames[i]);
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
	recurse(200);
	check_same(201);
	recurse(200); /* from the remembered rows */
	check_same(201);
}

static NOINLINE int compare(const void *a, const void *b)
{
	take();
	return *(const int *)a - *(const int *)b;
}

static void test_callback(void **state)
{
	int values[4] = {3, 1, 2, 0};
	bool is_libc_found = false;
	char name[64];

	(void)state;
	qsort(values, 4, sizeof(*values), compare);
	check_same(4);
	for (unsigned i = 0; i < stack.count; i++) {
		const struct unwind_frame *frame = &stack.frames[i];

		if (unwind_symbol(frame->object, frame->offset, name, sizeof(name)) &&
		    !strncmp(name, "qsort", 5))
			is_libc_found = true;
	}
	assert_true(is_libc_found);
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

static bool has_flag(uint32_t flag)
{
	for (unsigned i = 0; i < stack.count; i++) {
		if (stack.frames[i].flags & flag)
			return true;
	}
	return false;
}

static void test_signal(void **state)
{
	struct sigaction action = {.sa_handler = on_signal};

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	check_same(6);
	assert_true(has_flag(WIRE_FRAME_SIGNAL));
	raise(SIGUSR1);
	check_same(6);
}

/* The interrupted stack is not in the copy: cut after the frame that was interrupted. */
static void test_alternate_stack(void **state)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
	size_t bytes = 256 << 10;
	char *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t on = {.ss_sp = room, .ss_size = bytes};

	(void)state;
	sigaltstack(&on, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	assert_int_equal(stack.flags, WIRE_STACK_TRUNCATED);
	assert_true(stack.count >= 6);
	assert_true(stack.frames[stack.count - 1].flags & WIRE_FRAME_SIGNAL);
	for (unsigned i = 1; i < stack.count; i++)
		assert_in_range(stack.frames[i].address, theirs[i - 1] - 1, theirs[i - 1] + 1);
	on.ss_flags = SS_DISABLE;
	sigaltstack(&on, NULL);
	munmap(room, bytes);
}

static ucontext_t back, inside;

static void coroutine(void)
{
	recurse(5);
	swapcontext(&inside, &back);
}

static void test_coroutine(void **state)
{
	static char room[256 << 10];

	(void)state;
	getcontext(&inside);
	inside.uc_stack.ss_sp = room;
	inside.uc_stack.ss_size = sizeof(room);
	inside.uc_link = &back;
	makecontext(&inside, coroutine, 0);
	swapcontext(&back, &inside);
	assert_int_equal(stack.flags, 0);
	assert_int_equal(stack.count, 9); /* take, recurse 0..5, coroutine, __start_context */
}

static jmp_buf out;

static void on_terminate(void)
{
	recurse(1);
	longjmp(out, 1);
}

static void test_cplusplus(void **state)
{
	void *library = dlopen("libstdc++.so.6", RTLD_NOW);
	void (*terminate)(void);
	void (*(*set_terminate)(void (*)(void)))(void);
	bool is_found = false;

	(void)state;
	assert_non_null(library);
	terminate = (void (*)(void))dlsym(library, "_ZSt9terminatev");
	set_terminate =
		(void (*(*)(void (*)(void)))(void))dlsym(library, "_ZSt13set_terminatePFvvE");
	assert_non_null(terminate);
	set_terminate(on_terminate);
	if (!setjmp(out))
		terminate();
	check_same(6);
	for (unsigned i = 0; i < stack.count; i++)
		is_found |= memmem(stack.frames[i].path, stack.frames[i].path_len, "libstdc++",
				   9) != NULL;
	assert_true(is_found);
}

static void *in_thread(void *argument)
{
	recurse(10);
	check_same(12);
	return argument;
}

static void test_thread(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, in_thread, NULL), 0);
	pthread_join(thread, NULL);
}

/* push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret: what a JIT emits, no FDE anywhere. */
static const unsigned char jit[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};

static NOINLINE void jit_target(void)
{
	take();
	__asm__ volatile("");
}

static void test_jit(void **state)
{
	uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct unwind_who who = who_of(getpid(), gettid());
	bool is_found = false;

	(void)state;
	memcpy(code, jit, sizeof(jit));
	unwind_process_changed(unwind, &who);
	((void (*)(void (*)(void)))code)(jit_target);
	assert_int_equal(stack.flags, WIRE_STACK_FP);
	for (unsigned i = 0; i < stack.count; i++) {
		const struct unwind_frame *frame = &stack.frames[i];

		if (frame->address != (uint64_t)code + 5)
			continue;
		is_found = true;
		assert_int_equal(frame->kind, UNWIND_CODE);
		assert_null(frame->object);
		assert_int_equal(frame->offset, frame->address);
	}
	assert_true(is_found);
	assert_true(stack.count > 4);
	munmap(code, 4096);
}

/* A process of which nothing is left but what the records told: frames of code it made at run time,
 * one calling the other, at sp and above. */
static void made_walk(const struct unwind_who *who, uint64_t address)
{
	uint64_t words[] = {0, (uint64_t)&words[2], address + 32, 0, address + 48};
	const struct wire_kernel_regs made = {
		.ip = address + 16, .sp = (uint64_t)words, .bp = (uint64_t)&words[1], .ax = 1};
	const struct unwind_input input = {*who, &made, words, sizeof(words), false};

	words[1] = (uint64_t)&words[3];
	assert_int_equal(unwind_stack(unwind, &input, &stack), 0);
}

static void test_code_of_the_gone(void **state)
{
	const struct unwind_who who = {1u << 23, 1u << 23, 4711};
	const struct unwind_mapping file = {.start = 0x800000, .end = 0x802000, .inode = 1,
					    .device = 1, .path = "/nonexistent", .path_len = 12};

	(void)state;
	unwind_process_executed(unwind, &who);
	unwind_process_exited(unwind, &who);
	made_walk(&who, 0x700000);
	assert_int_equal(stack.frames[0].kind, UNWIND_UNKNOWN);
	assert_int_equal(stack.count, 1);
	unwind_process_made(unwind, &who, 0x700000, 0x701000, false);
	made_walk(&who, 0x700000);
	assert_int_equal(stack.count, 3);
	for (unsigned i = 0; i < stack.count; i++)
		assert_int_equal(stack.frames[i].kind, UNWIND_CODE);
	assert_int_equal(stack.frames[2].address, 0x700000 + 47);
	assert_true(stack.flags & WIRE_STACK_FP);
	/* Pages of a file that become executable again are the file's; what is mapped over them not. */
	unwind_process_mapped(unwind, &who, &file);
	unwind_process_made(unwind, &who, 0x800000, 0x801000, false);
	made_walk(&who, 0x800000);
	assert_int_equal(stack.frames[0].kind, UNWIND_FILE);
	unwind_process_made(unwind, &who, 0x800000, 0x801000, true);
	made_walk(&who, 0x800000);
	assert_int_equal(stack.frames[0].kind, UNWIND_CODE);
	unwind_process_made(unwind, &who, 5, 5, true);
	unwind_process_made(unwind, &who, UINT64_MAX, 5, true);
}

/* Whatever the probe could copy: what is found is what is there, and the cut is told. */
static void test_cut_copies(void **state)
{
	static struct unwind_stack whole;
	uint64_t last_sp;

	(void)state;
	recurse(20);
	check_same(21);
	whole = stack;
	last_sp = copy_bytes;
	for (size_t bytes = 0; bytes < last_sp; bytes += bytes < 4096 ? 4 : 1024) {
		offline(&regs, copy, bytes, false);
		assert_true(stack.count <= whole.count);
		if (stack.count < whole.count)
			assert_int_equal(stack.flags, WIRE_STACK_TRUNCATED);
		for (unsigned i = 0; i < stack.count; i++)
			assert_int_equal(stack.frames[i].address, whole.frames[i].address);
	}
}

static void test_deep(void **state)
{
	(void)state;
	/* 64 KiB hold that many frames only when they are small; both are cuts. */
	recurse(3000);
	assert_int_equal(stack.flags, WIRE_STACK_TRUNCATED);
	assert_true(stack.count <= WIRE_STACK_FRAMES);
	assert_true(stack.count > 200);
}

/* --- every instruction ----------------------------------------------------------------- */
#define STEPS 12000u
#define STEP_BYTES 32768u /* a sanitizer's frames are wide; few are filled */

struct stepped {
	struct wire_kernel_regs regs;
	uint32_t bytes;
	uint8_t stack[STEP_BYTES];
};

static struct stepped *steps;
static volatile unsigned step_count;
static uint64_t step_top; /* no more than up to here is copied */
static volatile bool is_stepping;

static void on_trap(int number, siginfo_t *info, void *argument)
{
	ucontext_t *context = argument;

	(void)number;
	(void)info;
	if (is_stepping && step_count < STEPS) {
		struct stepped *step = &steps[step_count++];
		uint64_t bytes;

		step->regs = regs_of_context(context);
		bytes = step_top - step->regs.sp;
		step->bytes = (uint32_t)stack_copy(memory_fd, step->regs.sp, step->stack,
						   bytes < STEP_BYTES ? bytes : STEP_BYTES);
	}
	if (!is_stepping || step_count == STEPS)
		context->uc_mcontext.gregs[REG_EFL] &= ~0x100;
}

static NOINLINE int order(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static uint64_t stepped_return;

/* Calls bound on the spot (unless the program binds early), callbacks, the vDSO, allocation. */
static NOINLINE void stepped_work(void)
{
	int values[8] = {7, 3, 1, 2, 0, 9, 4, 8};
	struct timespec now;
	char text[64];

	qsort(values, 8, sizeof(*values), order);
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "%d %s %.3f", values[0], "text", 1.5);
	free(strdup(text));
	__asm__ volatile("" ::"r"(strverscmp("a1", text)) : "memory");
}

static NOINLINE void stepped_run(void)
{
	is_stepping = true;
	__asm__ volatile("sub $128, %%rsp\n pushf\n orq $0x100, (%%rsp)\n popf\n add $128, %%rsp" ::
				 : "cc", "memory");
	stepped_work();
	is_stepping = false;
	__asm__ volatile("nop\nnop" ::: "memory");
}

static NOINLINE void stepped_caller(void)
{
	step_top = (uint64_t)__builtin_frame_address(0) + 64;
	stepped_run();
	stepped_return = (uint64_t)__builtin_return_address(0);
	__asm__ volatile("");
}

static bool is_loader_found;

/* Above stepped_run all is known, whatever the instruction was. */
static void check_step(const struct stepped *step)
{
	bool is_found = false;

	offline(&step->regs, step->stack, step->bytes, true);
	for (unsigned i = 0; i < stack.count && !is_found; i++) {
		const struct unwind_frame *frame = &stack.frames[i];

		is_found = frame->address == stepped_return - 1;
		is_loader_found |= memmem(frame->path, frame->path_len, "/ld-linux", 9) != NULL;
	}
	if (!is_found || (stack.flags & ~(uint32_t)WIRE_STACK_TRUNCATED)) {
		stack_print(&stack);
		fail_msg("step %ld, ip %#lx", step - steps, step->regs.ip);
	}
}

static void test_every_instruction(void **state)
{
	struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO}, old;
	size_t bytes = STEPS * sizeof(*steps);

	(void)state;
	steps = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(steps, MAP_FAILED);
	sigaction(SIGTRAP, &action, &old);
	stepped_caller();
	sigaction(SIGTRAP, &old, NULL);
	assert_true(step_count > 1000);
	for (unsigned i = 0; i < step_count; i++)
		check_step(&steps[i]);
	print_message("           %u instructions%s\n", step_count,
		      is_loader_found ? ", lazy binding among them" : "");
	munmap(steps, bytes);
}

/* --- symbols ----------------------------------------------------------------------------- */
static const struct unwind_object *object_at(const void *address, uint64_t *ret_offset)
{
	struct wire_kernel_regs at = {.ip = (uint64_t)address, .sp = 4096};

	offline(&at, NULL, 0, true);
	*ret_offset = stack.frames[0].offset;
	return stack.frames[0].object;
}

static void test_symbols(void **state)
{
	const struct unwind_object *object;
	uint64_t offset;
	char name[64];
	bool is_alias_found = false;

	(void)state;
	object = object_at(dlsym(RTLD_NEXT, "connect"), &offset);
	assert_non_null(object);
	assert_true(unwind_symbol(object, offset + 1, name, sizeof(name)));
	assert_string_equal(name, "connect");
	for (unsigned i = 0; unwind_symbol_alias(object, offset, i, name, sizeof(name)); i++)
		is_alias_found |= !strcmp(name, "__connect");
	assert_true(is_alias_found);
	assert_true(unwind_symbol(object, offset, name, 4));
	assert_string_equal(name, "con");
	assert_false(unwind_symbol(object, 0, name, sizeof(name)));
	assert_false(unwind_symbol(object, UINT64_MAX, name, sizeof(name)));
	assert_false(unwind_symbol(NULL, 0, name, sizeof(name)));
	/* a static function is in .symtab only */
	object = object_at((void *)stepped_work, &offset);
	assert_true(unwind_symbol(object, offset + 4, name, sizeof(name)));
	assert_string_equal(name, "stepped_work");
}

static void test_vdso(void **state)
{
	const struct unwind_object *object;
	uint64_t offset, start = getauxval(AT_SYSINFO_EHDR);
	void *library = dlopen("linux-vdso.so.1", RTLD_NOW | RTLD_NOLOAD);
	void *function = library ? dlsym(library, "__vdso_clock_gettime") : NULL;
	char name[64];

	(void)state;
	if (!start || !function)
		skip();
	object = object_at(function, &offset);
	assert_non_null(object);
	assert_true(object->is_vdso);
	assert_int_equal(offset, (uint64_t)function - start);
	assert_true(object->build_id[0]);
	assert_true(unwind_symbol(object, offset, name, sizeof(name)));
	assert_string_equal(name, "clock_gettime");
}

static int set_up(void **state)
{
	(void)state;
	memory_fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	return memory_fd < 0 ? -1 : unwind_open(&unwind);
}

static int tear_down(void **state)
{
	(void)state;
	unwind_close(unwind);
	close(memory_fd);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_callback),
		cmocka_unit_test(test_realigned),
		cmocka_unit_test(test_signal),
		cmocka_unit_test(test_alternate_stack),
		cmocka_unit_test(test_coroutine),
		cmocka_unit_test(test_cplusplus),
		cmocka_unit_test(test_thread),
		cmocka_unit_test(test_jit),
		cmocka_unit_test(test_code_of_the_gone),
		cmocka_unit_test(test_cut_copies),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_every_instruction),
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_vdso),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
