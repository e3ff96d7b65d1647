/* SPDX-License-Identifier: Apache-2.0
 *
 * Digests taken behind the queue: what waits, for how long, what is known already, what is a hole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collector/source/live.h"

struct fixture {
	struct live live;
	char directory[64];
	char path[128];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_true(sodium_init() >= 0);
	strcpy(f->directory, "/tmp/sowatch-digest.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/file", f->directory);
	f->live.digests = digests_open(1);
	assert_non_null(f->live.digests);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	digests_close(f->live.digests);
	queue_done(&f->live.queue);
	unlink(f->path);
	rmdir(f->directory);
	free(f);
	return 0;
}

static void write_file(const char *path, const char *text, size_t bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	if (bytes)
		assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	close(fd);
}

static void add_object(struct fixture *f)
{
	queue_add(&f->live.queue, ITEM_OBJECT);
	digest_hold(&f->live, DIGEST_OBJECT, f->path, 0, 0);
}

/* The next item, after its digest has come. */
static struct item take(struct fixture *f)
{
	assert_true(digest_release(&f->live, true));
	return *queue_take(&f->live.queue);
}

static void expect_sha256(struct str got, const char *text)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	char hex[DIGEST_HEX + 1];

	crypto_hash_sha256(digest, (const unsigned char *)text, strlen(text));
	sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	assert_int_equal(got.len, DIGEST_HEX);
	assert_memory_equal(got.data, hex, DIGEST_HEX);
}

static void test_waits_and_fills_in(void **state)
{
	struct fixture *f = *state;
	struct item item;

	write_file(f->path, "hello", 0);
	queue_add(&f->live.queue, ITEM_NAME);
	add_object(f);
	add_object(f); /* the same file: one job */
	queue_add(&f->live.queue, ITEM_PROCESS);
	digest_hold(&f->live, DIGEST_EXE, f->path, 0, 0);
	digest_hold(&f->live, DIGEST_SCRIPT, f->path, 0, 0);
	queue_add(&f->live.queue, ITEM_EVENT);
	/* What stands before a file that is being read does not wait for it. */
	assert_true(digest_release(&f->live, false));
	assert_int_equal(queue_take(&f->live.queue)->type, ITEM_NAME);
	for (int i = 0; i < 2; i++) {
		item = take(f);
		assert_int_equal(item.type, ITEM_OBJECT);
		expect_sha256(item.object.sha256, "hello");
	}
	item = take(f);
	expect_sha256(item.process.exe_sha256, "hello");
	expect_sha256(item.process.script_sha256, "hello");
	assert_int_equal(take(f).type, ITEM_EVENT);
	assert_true(queue_is_empty(&f->live.queue));
}

static void test_known_files_do_not_wait(void **state)
{
	struct fixture *f = *state;

	write_file(f->path, "hello", 0);
	add_object(f);
	take(f);
	queue_clear(&f->live.queue);
	add_object(f);
	expect_sha256(f->live.queue.items[0].object.sha256, "hello");
	assert_true(digest_release(&f->live, false));
	queue_take(&f->live.queue);
	queue_clear(&f->live.queue);
	/* Other bytes of the same length in the same place are another file. */
	usleep(20000);
	write_file(f->path, "jello", 0);
	add_object(f);
	expect_sha256(take(f).object.sha256, "jello");
}

static void expect_missing(struct fixture *f)
{
	struct item item = take(f);

	assert_int_equal(item.object.sha256.len, 0);
	item = take(f);
	assert_int_equal(item.type, ITEM_HOLE);
	assert_int_equal(item.hole.kind, HOLE_UNREADABLE);
	assert_true(queue_is_empty(&f->live.queue));
	queue_clear(&f->live.queue);
}

static void test_what_cannot_be_read_is_a_hole(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	add_object(f);
	expect_missing(f); /* gone */
	write_file(f->path, "hello", 0);
	assert_int_equal(stat(f->path, &st), 0);
	queue_add(&f->live.queue, ITEM_OBJECT);
	digest_hold(&f->live, DIGEST_OBJECT, f->path, st.st_dev, st.st_ino + 1);
	expect_missing(f); /* another file by now */
	unlink(f->path);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	add_object(f);
	expect_missing(f); /* nothing to read for ever from */
	queue_add(&f->live.queue, ITEM_PROCESS);
	digest_hold(&f->live, DIGEST_SCRIPT, "/dev/fd/63", 0, 0);
	assert_int_equal(take(f).process.script_sha256.len, 0);
	assert_true(queue_is_empty(&f->live.queue)); /* there is no file, so none was missed */
}

/* A disk that does not come to an end must not fill the memory with what waits. */
static void test_too_much_behind_gives_up(void **state)
{
	struct fixture *f = *state;
	struct timespec from, to;

	write_file(f->path, "x", (size_t)8 << 30); /* a hole of 8 GiB: seconds */
	add_object(f);
	for (uint32_t i = 0; i + 1 < 1u << 19; i++)
		queue_add(&f->live.queue, ITEM_EVENT);
	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_true(digest_release(&f->live, false));
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(to.tv_sec - from.tv_sec < 2);
	assert_int_equal(queue_take(&f->live.queue)->object.sha256.len, 0);
	assert_int_equal(f->live.queue.items[f->live.queue.count - 1].type, ITEM_HOLE);
}

static void test_nobody_asks(void **state)
{
	struct live live = { .digests = NULL };

	(void)state;
	queue_add(&live.queue, ITEM_OBJECT);
	digest_hold(&live, DIGEST_OBJECT, "/bin/sh", 0, 0);
	assert_true(digest_release(&live, false));
	assert_int_equal(live.queue.items[0].object.sha256.len, 0);
	queue_done(&live.queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_waits_and_fills_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_known_files_do_not_wait, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_read_is_a_hole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_much_behind_gives_up, set_up, tear_down),
		cmocka_unit_test(test_nobody_asks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
