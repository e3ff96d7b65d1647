/* SPDX-License-Identifier: Apache-2.0
 *
 * The anomaly loop: fail the Nth write, the Nth allocation, or the writer itself, for every N until
 * nothing fails any more. What is left on disk must always be a readable prefix of the run.
 * Linked with --wrap=write,malloc,calloc,ftruncate.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/log/log.h"
#include "made.h"

#define ITEMS 400

static char path[] = "/tmp/sowatch-test-faults-XXXXXX";

/* --- failing calls ------------------------------------------------------------------------- */

static struct {
	bool is_armed;
	int write_in, malloc_in; /* calls until one fails; 0: none does */
	int error;		 /* of the failing write */
	size_t part;		 /* bytes it still writes, as a filling disk does */
	bool is_stuck;		 /* all calls after it fail too */
	bool no_truncate;
} faults;

ssize_t __real_write(int fd, const void *data, size_t bytes);
ssize_t __wrap_write(int fd, const void *data, size_t bytes);
int __real_ftruncate(int fd, off_t bytes);
int __wrap_ftruncate(int fd, off_t bytes);
void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);

ssize_t __wrap_write(int fd, const void *data, size_t bytes)
{
	if (!faults.is_armed || !faults.write_in || --faults.write_in)
		return __real_write(fd, data, bytes);
	if (faults.is_stuck || faults.part)
		faults.write_in = 1;
	if (faults.part && faults.part < bytes) {
		bytes = faults.part;
		faults.part = 0;
		return __real_write(fd, data, bytes);
	}
	faults.part = 0;
	errno = faults.error;
	return -1;
}

int __wrap_ftruncate(int fd, off_t bytes)
{
	if (faults.is_armed && faults.no_truncate) {
		errno = EIO;
		return -1;
	}
	return __real_ftruncate(fd, bytes);
}

static bool is_malloc_failing(void)
{
	return faults.is_armed && faults.malloc_in && !--faults.malloc_in;
}

void *__wrap_malloc(size_t bytes)
{
	return is_malloc_failing() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return is_malloc_failing() ? NULL : __real_calloc(count, bytes);
}

/* --- one run ------------------------------------------------------------------------------- */

static struct made made[ITEMS];

static int setup(void **state)
{
	struct random random = { 7 };
	enum item_type type;

	(void)state;
	close(mkstemp(path));
	for (unsigned i = 0; i < ITEMS; i++) {
		type = i % 3 ? ITEM_EVENT : (enum item_type)(ITEM_RUN + i % (ITEM_END - ITEM_RUN));
		made_item(&made[i], &random, i == ITEMS - 1 ? ITEM_END : type);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ITEMS; i++)
		made_free(&made[i]);
	return unlink(path);
}

/* Answers the first error; every later call must repeat it. *ret_flushed: items known to be on
 * disk when it came. */
static int write_run(unsigned *ret_flushed)
{
	struct log_writer *writer;
	int error, first = 0;

	*ret_flushed = 0;
	error = log_create(path, &writer);
	if (error)
		return error;
	for (unsigned i = 0; i < ITEMS; i++) {
		error = log_append(writer, &made[i].item);
		if (!error && i % 25 == 24)
			error = log_flush(writer);
		if (first)
			assert_int_equal(error, first);
		else if (error)
			first = error;
		else if (i % 25 == 24)
			*ret_flushed = i + 1;
	}
	error = log_close(writer);
	if (first)
		assert_int_equal(error, first);
	return error;
}

/* Items that are back, exactly as written; *ret_torn: the log says itself that more is missing. */
static unsigned read_run(bool *ret_torn)
{
	struct log_reader *reader;
	unsigned count = 0;
	struct item item;
	char error[256];
	int result;

	*ret_torn = false;
	if (log_open(path, &reader, error, sizeof(error)))
		fail_msg("%s", error);
	while ((result = log_next(reader, &item)) > 0) {
		assert_false(*ret_torn);
		if (count < ITEMS && !items_differ(&made[count].item, &item))
			count++;
		else if (item.type == ITEM_HOLE && item.hole.kind == HOLE_TORN)
			*ret_torn = true;
		else
			fail_msg("item %u is not the one written", count);
	}
	if (result)
		fail_msg("%s", log_error(reader));
	log_reader_free(reader);
	return count;
}

static void check_left_behind(int error, unsigned flushed)
{
	bool is_torn;
	unsigned count = read_run(&is_torn);

	assert_true(count >= flushed);
	assert_int_equal(is_torn, error != 0);
	assert_int_equal(count == ITEMS, error == 0);
}

/* Fails the Nth write for N = 1, 2, ... until the whole run succeeds. */
static void check_failing_writes(int error, size_t part, bool is_stuck, bool no_truncate)
{
	unsigned flushed, rounds = 0;
	struct stat stat_now;
	int result;

	do {
		rounds++;
		assert_int_equal(truncate(path, 0), 0);
		faults.write_in = (int)rounds;
		faults.error = error;
		faults.part = part;
		faults.is_stuck = is_stuck;
		faults.no_truncate = no_truncate;
		faults.is_armed = true;
		result = write_run(&flushed);
		faults.is_armed = false;
		assert_int_equal(stat(path, &stat_now), 0);
		if (rounds == 1) { /* not even the header */
			assert_int_equal(result, -error);
			if (!no_truncate)
				assert_int_equal(stat_now.st_size, 0);
			continue;
		}
		if (result)
			assert_int_equal(result, -error);
		check_left_behind(result, flushed);
	} while (result);
	assert_in_range(rounds, 17, 19); /* header, 16 blocks, and the one that does not fail */
}

static void test_failing_writes(void **state)
{
	(void)state;
	check_failing_writes(ENOSPC, 0, true, false);
	check_failing_writes(ENOSPC, 13, true, false);
	check_failing_writes(EIO, 100, false, false);
	check_failing_writes(EDQUOT, 100, true, true); /* what was torn stays torn */
}

static void test_interrupted_writes_go_on(void **state)
{
	unsigned flushed;

	(void)state;
	assert_int_equal(truncate(path, 0), 0);
	faults.write_in = 3;
	faults.error = EINTR;
	faults.part = 0;
	faults.is_stuck = faults.no_truncate = false;
	faults.is_armed = true;
	assert_int_equal(write_run(&flushed), 0);
	faults.is_armed = false;
	check_left_behind(0, ITEMS);
}

static void test_failing_allocations(void **state)
{
	unsigned flushed, rounds = 0;
	struct stat stat_now;
	int result;

	(void)state;
	do {
		rounds++;
		assert_int_equal(truncate(path, 0), 0);
		faults.write_in = 0;
		faults.malloc_in = (int)rounds;
		faults.is_armed = true;
		result = write_run(&flushed);
		faults.is_armed = false;
		faults.malloc_in = 0;
		if (result)
			assert_int_equal(result, -ENOMEM);
		assert_int_equal(stat(path, &stat_now), 0);
		if (stat_now.st_size)
			check_left_behind(result, flushed);
		else
			assert_int_equal(result, -ENOMEM);
	} while (result);
	assert_true(rounds > 4);
}

static void test_failing_allocations_of_the_reader(void **state)
{
	struct log_reader *reader;
	struct item item;
	unsigned flushed, rounds = 0;
	char error[256];
	int result;

	(void)state;
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(write_run(&flushed), 0);
	do {
		rounds++;
		faults.malloc_in = (int)rounds;
		faults.is_armed = true;
		result = log_open(path, &reader, error, sizeof(error));
		if (!result) {
			while ((result = log_next(reader, &item)) > 0)
				;
			log_reader_free(reader);
		}
		faults.is_armed = false;
		faults.malloc_in = 0;
		assert_true(result == 0 || result == -ENOMEM || result == -EBADMSG);
	} while (result);
	assert_true(rounds > 5);
}

/* --- the real thing ------------------------------------------------------------------------ */

static void test_full_device(void **state)
{
	struct log_writer *writer;

	(void)state;
	assert_int_equal(log_create("/dev/full", &writer), -ENOSPC);
}

static void test_file_size_limit(void **state)
{
	struct rlimit old, limit;
	unsigned flushed;
	int result;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	for (rlim_t bytes = 32; bytes < 20000; bytes += 1111) {
		assert_int_equal(truncate(path, 0), 0);
		limit = old;
		limit.rlim_cur = bytes;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		result = write_run(&flushed);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		assert_int_equal(result, -EFBIG);
		check_left_behind(result, flushed);
	}
	signal(SIGXFSZ, SIG_DFL);
}

static void write_for_ever(volatile unsigned *flushed)
{
	struct log_writer *writer;
	struct item item = { .type = ITEM_EVENT, .event = { .action = WIRE_FILE_READ } };

	if (log_create(path, &writer))
		_exit(1);
	for (unsigned i = 0;; i++) {
		item.event.time_ns = i;
		if (log_append(writer, &item) || (i % 500 == 499 && log_flush(writer)))
			_exit(1);
		if (i % 500 == 499)
			*flushed = i + 1;
	}
}

static unsigned count_events(void)
{
	struct log_reader *reader;
	struct item item;
	char error[256];
	unsigned count = 0;
	int result;

	if (log_open(path, &reader, error, sizeof(error)))
		fail_msg("%s", error);
	while ((result = log_next(reader, &item)) > 0 && item.type == ITEM_EVENT) {
		assert_int_equal(item.event.time_ns, count);
		count++;
	}
	assert_int_equal(result, 1);
	assert_int_equal(item.type, ITEM_HOLE);
	assert_int_equal(item.hole.kind, HOLE_TORN);
	assert_int_equal(log_next(reader, &item), 0);
	log_reader_free(reader);
	return count;
}

static void test_killed_writer(void **state)
{
	volatile unsigned *flushed = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned seen = 0;
	int status;
	pid_t pid;

	(void)state;
	assert_ptr_not_equal(flushed, MAP_FAILED);
	for (unsigned round = 0; round < 25; round++) {
		assert_int_equal(truncate(path, 0), 0);
		*flushed = 0;
		pid = fork();
		assert_true(pid >= 0);
		if (!pid)
			write_for_ever(flushed);
		while (*flushed < 500)
			usleep(100);
		usleep(round * 137);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		seen = count_events();
		assert_true(seen >= *flushed);
	}
	munmap((void *)flushed, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failing_writes),
		cmocka_unit_test(test_interrupted_writes_go_on),
		cmocka_unit_test(test_failing_allocations),
		cmocka_unit_test(test_failing_allocations_of_the_reader),
		cmocka_unit_test(test_full_device),
		cmocka_unit_test(test_file_size_limit),
		cmocka_unit_test(test_killed_writer),
	};

	return cmocka_run_group_tests_name("log_faults", tests, setup, teardown);
}
