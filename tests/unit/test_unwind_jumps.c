/* SPDX-License-Identifier: Apache-2.0
 *
 * Libraries that ended in a jump are found from the call that led to them, or it is said that they
 * cannot be; and files that lie about calls and names do no harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../../collector/unwind/object.h"
#include "test_unwind_offline.h"

int jump_end(void);
int jump_mid(void);
int jump_through(int (*function)(void));
int jump_twin(int (*function)(void));
int jump_chosen(void);

static struct unwind *unwind;
static struct unwind_stack stack;
static uint8_t copy[COPY_BYTES];
static int memory_fd;

static NOINLINE int take(void)
{
	struct wire_kernel_regs regs;
	struct unwind_input input = { who_of(getpid(), gettid()), &regs, copy, 0, false };
	ucontext_t context;

	getcontext(&context);
	regs = regs_of_context(&context);
	input.stack_bytes = stack_copy(memory_fd, regs.sp, copy, sizeof(copy));
	assert_int_equal(unwind_stack(unwind, &input, &stack), 0);
	return 0;
}

int jump_end(void)
{
	int result = take();

	__asm__ volatile("" ::: "memory");
	return result;
}

static bool is_of(const struct unwind_frame *frame, const char *library)
{
	return memmem(frame->path, frame->path_len, library, strlen(library));
}

/* The inferred frames are of these libraries, innermost first. */
static void check_jumped(const char *first, const char *second)
{
	const char *wanted[2] = { first, second };
	unsigned found = 0;

	for (uint32_t i = 0; i < stack.count; i++) {
		const struct unwind_frame *frame = &stack.frames[i];

		if (!(frame->flags & WIRE_FRAME_INFERRED))
			continue;
		assert_true(found < 2 && wanted[found]);
		assert_int_equal(frame->kind, UNWIND_OBJECT);
		if (!is_of(frame, wanted[found]))
			stack_print(&stack);
		assert_true(is_of(frame, wanted[found]));
		assert_false(is_of(&stack.frames[i - 1], wanted[found]));
		found++;
	}
	assert_int_equal(found, (first != NULL) + (second != NULL));
}

static void test_path(void **state)
{
	(void)state;
	/* The second time it is remembered. */
	for (int i = 0; i < 2; i++) {
		jump_mid();
		assert_int_equal(stack.flags, 0);
		check_jumped("libjump_leaf.so", "libjump_mid.so");
	}
}

/* The call proves the first one; where it went cannot be seen. */
static void test_through_a_register(void **state)
{
	(void)state;
	jump_through(jump_end);
	assert_int_equal(stack.flags, 0);
	check_jumped("libjump_mid.so", NULL);
}

static void test_of_two_names_the_one_that_leads_here(void **state)
{
	(void)state;
	jump_chosen();
	assert_int_equal(stack.flags, 0);
	check_jumped("libjump_other.so", NULL);
}

/* Either may have been called, and neither shows where it went. */
static void test_of_two_names_neither(void **state)
{
	uint32_t count;

	(void)state;
	jump_twin(jump_end);
	assert_true(stack.flags & WIRE_STACK_PARTIAL);
	count = stack.count;
	check_jumped(NULL, NULL);
	/* Nobody further out is taken for the caller. */
	jump_end();
	assert_int_equal(stack.flags, 0);
	assert_true(stack.count > count);
}

static NOINLINE int call(int (*function)(void))
{
	int result = function();

	__asm__ volatile("" ::: "memory");
	return result;
}

/* A call through a register may call anybody. */
static void test_callback_is_exact(void **state)
{
	(void)state;
	call(jump_end);
	assert_int_equal(stack.flags, 0);
	check_jumped(NULL, NULL);
}

/* --- files that lie --------------------------------------------------------------------------- */

static void use(const uint8_t *bytes, size_t count)
{
	struct elf_file elf;
	struct symbols symbols;
	struct code code;
	struct cfi cfi;
	const struct code_of of = { &code, &cfi, &symbols };
	struct code_target target;
	uint64_t offset;

	if (elf_file_open(&elf, -1, bytes, count) < 0)
		return;
	cfi_load(&cfi, &elf);
	symbols_load(&symbols, &elf);
	code_load(&code, &elf, &symbols);
	for (unsigned i = 0; i < code.segment_count; i++) {
		uint64_t start = code.segments[i].start, end = start + code.segments[i].bytes;

		for (uint64_t at = start; at - start < 4096 && at <= end; at++) {
			target = code_call_before(&of, at);
			if (target.kind == CODE_NAMED)
				symbols_export(&symbols, target.name, &offset);
		}
		offset = start;
		for (int n = 0; n < 64 && code_next_jump(&of, start, end, &offset, &target); n++)
			;
		code_is_stub(&code, start);
	}
	code_may_reach(&of, "jump_leaf");
	code_call_before(&of, 0);
	code_call_before(&of, UINT64_MAX);
	symbols_export(&symbols, "jump_mid", &offset);
	symbols_export(&symbols, "", &offset);
	code_done(&code);
	symbols_done(&symbols);
	cfi_done(&cfi);
}

static void test_hostile_files(void **state)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	Dl_info info;
	struct stat st;
	uint8_t *sample;
	int fd;

	(void)state;
	assert_int_not_equal(dladdr((void *)jump_mid, &info), 0);
	fd = open(info.dli_fname, O_RDONLY);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	sample = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, sample, (size_t)st.st_size), st.st_size);
	close(fd);
	use(sample, (size_t)st.st_size);
	for (size_t at = 0; at < (size_t)st.st_size; at += 5) {
		uint8_t was = sample[at];

		for (unsigned i = 0; i < sizeof(flips); i++) {
			sample[at] ^= flips[i];
			use(sample, (size_t)st.st_size);
			sample[at] = was;
		}
	}
	for (size_t count = 0; count < (size_t)st.st_size; count += 61)
		use(sample, count);
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_through_a_register),
		cmocka_unit_test(test_of_two_names_the_one_that_leads_here),
		cmocka_unit_test(test_of_two_names_neither),
		cmocka_unit_test(test_callback_is_exact),
		cmocka_unit_test(test_hostile_files),
	};
	int result;

	memory_fd = open("/proc/self/mem", O_RDONLY);
	if (memory_fd < 0 || unwind_open(&unwind) < 0)
		return 1;
	result = cmocka_run_group_tests(tests, NULL, NULL);
	unwind_close(unwind);
	return result;
}
