/* SPDX-License-Identifier: Apache-2.0
 *
 * ELF files and stacks that lie. The vDSO is the sample: small, complete, and in every process.
 * Nothing is expected of the answers but that they come, from inside the buffers (under ASan).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../../collector/unwind/object.h"
#include "test_unwind_offline.h"

static uint8_t *sample;
static size_t sample_bytes;
static uint64_t frame_offset, frame_bytes;
static unsigned rows_followed;

static bool load_nothing(void *arg, uint64_t address, uint64_t *ret_value)
{
	(void)arg;
	*ret_value = address ^ 8;
	return address % 3 != 0;
}

/* Everything that is ever asked of a file. */
static void use(const uint8_t *bytes, size_t count)
{
	uint64_t registers[DW_REGISTERS] = {0}, value;
	struct cfi_context context = {registers, UINT32_MAX, load_nothing, NULL};
	struct symbols symbols;
	struct elf_file elf;
	struct cfi cfi;
	char hex[129];

	if (elf_file_open(&elf, -1, bytes, count) < 0)
		return;
	elf_file_build_id(&elf, hex);
	assert_true(strlen(hex) <= 128);
	cfi_load(&cfi, &elf);
	symbols_load(&symbols, &elf);
	for (size_t i = 0; i < cfi.count && i < 64; i++) {
		uint64_t at = cfi.entries[i].start;
		struct cfi_row row = cfi_row(&cfi, at + cfi.entries[i].bytes / 2);

		rows_followed += row.kind == CFI_REGISTER;
		if (row.kind == CFI_EXPRESSION)
			cfi_expression(&cfi, &row, &context, &value);
		cfi_row(&cfi, at + cfi.entries[i].bytes);
		symbols_find(&symbols, at, i % 3);
	}
	symbols_done(&symbols);
	cfi_done(&cfi);
}

static const uint8_t flips[] = {0x01, 0x80, 0xff, 0x55};

static void flip(uint64_t from, uint64_t bytes, unsigned stride)
{
	uint8_t *copy = malloc(sample_bytes);

	memcpy(copy, sample, sample_bytes);
	for (uint64_t at = from; at < from + bytes && at < sample_bytes; at += stride) {
		for (unsigned i = 0; i < sizeof(flips); i++) {
			copy[at] ^= flips[i];
			use(copy, sample_bytes);
			copy[at] = sample[at];
		}
	}
	free(copy);
}

static void test_whole(void **state)
{
	(void)state;
	rows_followed = 0;
	use(sample, sample_bytes);
	assert_true(rows_followed > 2);
}

static void test_headers(void **state)
{
	Elf64_Ehdr header;

	(void)state;
	memcpy(&header, sample, sizeof(header));
	flip(0, sizeof(header), 1);
	flip(header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr), 1);
	flip(header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr), 1);
}

static void test_frames(void **state)
{
	(void)state;
	assert_true(frame_bytes > 64);
	flip(frame_offset, frame_bytes, 1);
}

static void test_rest(void **state)
{
	(void)state;
	flip(0, sample_bytes, 13);
}

/* Numbers at their limits, in every aligned field of the headers. */
static void test_limits(void **state)
{
	static const uint64_t limits[] = {0, UINT64_MAX, INT64_MAX, UINT32_MAX, 1ull << 63};
	uint8_t *copy = malloc(sample_bytes);
	Elf64_Ehdr header;

	(void)state;
	memcpy(copy, sample, sample_bytes);
	memcpy(&header, sample, sizeof(header));
	for (uint64_t at = 16; at + 8 <= sample_bytes; at += 8) {
		if (at >= 1024 && at < header.e_shoff &&
		    (at < frame_offset || at >= frame_offset + frame_bytes))
			continue;
		for (unsigned i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
			memcpy(copy + at, &limits[i], 8);
			use(copy, sample_bytes);
		}
		memcpy(copy + at, sample + at, 8);
	}
	free(copy);
}

static void test_cut(void **state)
{
	(void)state;
	for (size_t bytes = 0; bytes < sample_bytes; bytes += 7) {
		uint8_t *copy = malloc(bytes + 1); /* its end is ASan's to watch */

		memcpy(copy, sample, bytes);
		use(copy, bytes);
		free(copy);
	}
}

/* A file that is made shorter after its size was read. */
static void test_shrinking(void **state)
{
	int fd = memfd_create("sample", MFD_CLOEXEC);
	struct elf_file elf;
	struct cfi cfi;

	(void)state;
	assert_int_equal(write(fd, sample, sample_bytes), sample_bytes);
	assert_int_equal(elf_file_open(&elf, fd, NULL, sample_bytes), 0);
	assert_int_equal(ftruncate(fd, 64), 0);
	cfi_load(&cfi, &elf);
	assert_int_equal(cfi.count, 0);
	cfi_done(&cfi);
	assert_int_equal(elf_file_open(&elf, fd, NULL, sample_bytes), -ENOEXEC);
	close(fd);
}

/* Without section headers, as a stripped-down file may be. */
static void test_no_sections(void **state)
{
	uint8_t *copy = malloc(sample_bytes);
	struct elf_file elf;
	struct cfi with, without;
	Elf64_Ehdr header;

	(void)state;
	memcpy(copy, sample, sample_bytes);
	memcpy(&header, copy, sizeof(header));
	header.e_shnum = 0;
	memcpy(copy, &header, sizeof(header));
	assert_int_equal(elf_file_open(&elf, -1, sample, sample_bytes), 0);
	cfi_load(&with, &elf);
	assert_int_equal(elf_file_open(&elf, -1, copy, sample_bytes), 0);
	cfi_load(&without, &elf);
	assert_true(with.count > 2);
	assert_int_equal(with.count, without.count);
	cfi_done(&with);
	cfi_done(&without);
	free(copy);
}

static uint64_t random_state = 1;

static uint64_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Registers and stacks that a process made up: addresses of its code in no order. */
static void test_made_up_stacks(void **state)
{
	static struct unwind_stack stack;
	static uint64_t words[512];
	struct unwind *unwind;
	struct unwind_counts counts;

	(void)state;
	assert_int_equal(unwind_open(&unwind), 0);
	for (unsigned i = 0; i < 4000; i++) {
		struct wire_kernel_regs regs;
		uint64_t *at = (uint64_t *)&regs;
		struct unwind_input input = {who_of(getpid(), getpid()), &regs, words,
					     draw() % (sizeof(words) + 1), draw() & 1};

		for (unsigned n = 0; n < sizeof(regs) / 8; n++)
			at[n] = (uint64_t)words + draw() % 4096;
		regs.ip = (uint64_t)qsort + draw() % 524288;
		regs.sp = draw() % 5 ? (uint64_t)words : draw();
		for (unsigned n = 0; n < 512; n++)
			words[n] = draw() % 3 ? (uint64_t)qsort + draw() % 524288
					      : (uint64_t)words + draw() % 4096;
		assert_int_equal(unwind_stack(unwind, &input, &stack), 0);
		assert_true(stack.count >= 1 && stack.count <= WIRE_STACK_FRAMES);
	}
	unwind_count(unwind, &counts);
	assert_int_equal(counts.stacks, 4000);
	assert_true(counts.frames > 5000);
	unwind_close(unwind);
}

/* Addresses that nothing is mapped at do not make us read the map for ever. */
static void test_reading_is_bounded(void **state)
{
	static struct unwind_stack stack;
	struct unwind_counts counts;
	struct unwind *unwind;

	(void)state;
	assert_int_equal(unwind_open(&unwind), 0);
	for (unsigned i = 0; i < 20000; i++) {
		struct wire_kernel_regs regs = {.ip = 4096 + i, .sp = 4096};
		struct unwind_input input = {who_of(getpid(), getpid()), &regs, NULL, 0, true};

		assert_int_equal(unwind_stack(unwind, &input, &stack), 0);
		assert_int_equal(stack.frames[0].kind, UNWIND_UNKNOWN);
		assert_int_equal(stack.flags, WIRE_STACK_PARTIAL);
	}
	unwind_count(unwind, &counts);
	assert_true(counts.maps_read < 2000);
	unwind_close(unwind);
}

/* More processes than are remembered. */
static void test_many_processes(void **state)
{
	struct unwind_who parent = who_of(getpid(), getpid());
	struct unwind_counts counts;
	struct unwind *unwind;

	(void)state;
	assert_int_equal(unwind_open(&unwind), 0);
	for (uint32_t i = 0; i < 40000; i++) {
		struct unwind_who child = {1u << 23 | i, 1u << 23 | i, i + 1};

		unwind_process_forked(unwind, &parent, &child);
		unwind_process_exited(unwind, &child);
	}
	unwind_count(unwind, &counts);
	assert_int_equal(counts.maps_read, 1);
	unwind_close(unwind);
}

static int set_up(void **state)
{
	unsigned long start, end;
	const struct elf_section *section;
	struct elf_file elf;
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");

	(void)state;
	while (maps && fgets(line, sizeof(line), maps)) {
		if (strstr(line, "[vdso]") && sscanf(line, "%lx-%lx", &start, &end) == 2)
			sample_bytes = end - start;
		if (sample_bytes)
			break;
	}
	if (maps)
		fclose(maps);
	sample = sample_bytes ? malloc(sample_bytes) : NULL;
	if (!sample)
		return -1;
	memcpy(sample, (const void *)start, sample_bytes);
	if (elf_file_open(&elf, -1, sample, sample_bytes) < 0)
		return -1;
	section = elf_file_section(&elf, ".eh_frame");
	if (!section)
		return -1;
	frame_offset = section->offset;
	frame_bytes = section->bytes;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(sample);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	       cmocka_unit_test(test_headers),
		cmocka_unit_test(test_frames),	       cmocka_unit_test(test_rest),
		cmocka_unit_test(test_limits),	       cmocka_unit_test(test_cut),
		cmocka_unit_test(test_shrinking),      cmocka_unit_test(test_no_sections),
		cmocka_unit_test(test_made_up_stacks), cmocka_unit_test(test_reading_is_bounded),
		cmocka_unit_test(test_many_processes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
