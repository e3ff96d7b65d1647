/* SPDX-License-Identifier: Apache-2.0
 *
 * Two made recordings: what is a difference, and what is noise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/diff/diff.h"
#include "collector/log/log.h"
#include "preload/wire/ring.h"
#include "scene.h"

#define SECOND 1000000000ull
#define LOGS_MAX 4u

static const char policy_text[] =
	"version: 1\n"
	"profiles:\n"
	"  - {name: libc, match: {library: \"libc.so*\"}, role: conduit}\n";

struct recording {
	struct scene scene;
	struct log_writer *log;
	char path[64];
	uint32_t process, chain;
	uint64_t now_ns;
};

struct lab {
	char directory[32];
	struct recording recordings[LOGS_MAX];
	unsigned count;
	struct policy *policy;
	struct pool pool;
	jmp_buf escape;
	struct diff diff;
};

static int append(void *arg, const struct item *item)
{
	return log_append(((struct recording *)arg)->log, item);
}

/* A program that calls one library, in a process of its own number. */
static struct recording *record(struct lab *lab, const char *library, const char *soname)
{
	struct recording *made = &lab->recordings[lab->count];
	struct scene *scene = &made->scene;
	*made = (struct recording){.now_ns = 2 * SECOND};
	char path[64];
	snprintf(path, sizeof(path), "%s/%u.swl", lab->directory, lab->count);
	strcpy(made->path, path);
	assert_int_equal(log_create(made->path, &made->log), 0);
	*scene = (struct scene){.feed = append, .arg = made};
	struct item run = {.type = ITEM_RUN};
	char id[16];
	snprintf(id, sizeof(id), "run%u", lab->count);
	run.run = (struct item_run){.host = STR_LIT("host"),
				    .run_id = scene_str(id),
				    .realtime_ns = 1790000000 * SECOND,
				    .monotonic_ns = SECOND,
				    .vantage = STR_LIT("both")};
	append(made, &run);
	uint32_t app = scene_main_object(scene, "/opt/app");
	uint32_t object = scene_library(scene, library, soname);
	made->process = scene_process(scene, (struct item_process){.how = PROCESS_ROOT,
								   .exe = STR_LIT("/opt/app"),
								   .pid = 700 + lab->count,
								   .home = STR_LIT("/home/me"),
								   .exe_object = app});
	uint32_t frames[] = {object, app};
	made->chain = scene_chain(scene, made->process, scene_stack(scene, 0, 2, frames), 0);
	lab->count++;
	return made;
}

static void act(struct recording *made, uint8_t action, uint32_t target)
{
	scene_event(&made->scene, action, made->process, made->chain, target,
		    made->now_ns += SECOND);
}

static void reads(struct recording *made, const char *path)
{
	act(made, WIRE_FILE_READ, scene_path(&made->scene, path));
}

static void connects(struct recording *made, const char *address, uint16_t port)
{
	act(made, WIRE_NET_CONNECT, scene_peer(&made->scene, address, port));
}

static void end(struct recording *made)
{
	scene_end(&made->scene, made->now_ns);
	assert_int_equal(log_close(made->log), 0);
}

static void lab_open(struct lab *lab)
{
	struct policy_text text = {(char *)"base.yaml", (char *)policy_text, strlen(policy_text)};
	struct policy_options options = {.errors = stderr};
	memset(lab, 0, sizeof(*lab));
	strcpy(lab->directory, "/tmp/sowatch-diff.XXXXXX");
	assert_non_null(mkdtemp(lab->directory));
	assert_int_equal(policy_load_texts(&text, 1, &options, &lab->policy), 0);
	lab->pool.escape = &lab->escape;
}

/* The first `before` recordings against the rest. */
static void lab_compare(struct lab *lab, unsigned before)
{
	const char *logs[LOGS_MAX];
	struct diff_options options = {.logs = {logs, logs + before},
				       .log_count = {before, lab->count - before},
				       .policy = lab->policy,
				       .errors = stderr};
	for (unsigned i = 0; i < lab->count; i++)
		logs[i] = lab->recordings[i].path;
	if (setjmp(lab->escape))
		fail_msg("out of memory");
	assert_int_equal(diff_logs(&lab->pool, &options, &lab->diff), 0);
}

static void lab_close(struct lab *lab)
{
	pool_done(&lab->pool);
	for (unsigned i = 0; i < lab->count; i++)
		unlink(lab->recordings[i].path);
	rmdir(lab->directory);
	policy_free(lab->policy);
}

static char *printed(struct lab *lab)
{
	char *text = NULL;
	size_t len;
	FILE *stream = open_memstream(&text, &len);
	diff_print(&lab->pool, &lab->diff, false, stream);
	fclose(stream);
	return text;
}

static void expect_changes(struct lab *lab, unsigned appeared, unsigned vanished)
{
	if (lab->diff.appeared == appeared && lab->diff.vanished == vanished)
		return;
	char *text = printed(lab);
	fail_msg("expected %u and %u:\n%s", appeared, vanished, text);
}

static void test_noise_is_no_difference(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab);
	for (unsigned i = 0; i < 2; i++) {
		struct recording *made = record(&lab, "/lib/libfoo.so.1", "libfoo.so.1");
		char path[64];
		reads(made, i ? "/tmp/foo.a1B2c3" : "/tmp/foo.Zz9xY0");
		snprintf(path, sizeof(path), "/home/me/lock.%u", 700 + i); /* its pid */
		reads(made, path);
		snprintf(path, sizeof(path), "/proc/%u/maps", 700 + i);
		reads(made, path);
		scene_name(&made->scene, made->process, i ? "203.0.113.1" : "203.0.113.2", "db.x.org");
		connects(made, i ? "203.0.113.1" : "203.0.113.2", 443);
		connects(made, "127.0.0.1", (uint16_t)(40000 + i));
		for (unsigned times = 0; times < 3 * i; times++)
			reads(made, "/etc/hosts");
		if (!i)
			reads(made, "/etc/hosts");
		end(made);
	}
	lab_compare(&lab, 1);
	expect_changes(&lab, 0, 0);
	assert_string_equal(diff_verdict(&lab.diff), "unchanged");
	lab_close(&lab);
}

static void test_growth_is_told(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab);
	for (unsigned i = 0; i < 2; i++) {
		struct recording *made = record(&lab, i ? "/lib/libfoo.so.2" : "/lib/libfoo.so.1",
						i ? "libfoo.so.2" : "libfoo.so.1");
		reads(made, "/etc/hosts");
		if (i) {
			connects(made, "192.0.2.9", 443);
			connects(made, "192.0.2.9", 8443);
		} else {
			reads(made, "/etc/old");
			connects(made, "192.0.2.9", 443);
		}
		end(made);
	}
	lab_compare(&lab, 1);
	expect_changes(&lab, 1, 1); /* the second port of a known peer is one */
	char *text = printed(&lab);
	assert_non_null(strstr(text, "libfoo.so.1 -> libfoo.so.2"));
	assert_non_null(strstr(text, "  + net.connect 192.0.2.9:8443/tcp (1 time)"));
	assert_non_null(strstr(text, "  - file.read /etc/old\n"));
	assert_non_null(strstr(text, "grown: 1 appeared, 1 vanished"));
	free(text);
	lab_close(&lab);
}

/* Only what is evidently the same is one: twenty files of a directory do not excuse the next. */
static void test_many_files_excuse_none(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab);
	for (unsigned i = 0; i < 2; i++) {
		struct recording *made = record(&lab, "/lib/libfoo.so.1", "libfoo.so.1");
		char path[64], address[32];
		for (unsigned file = 0; file < 20 + i; file++) {
			snprintf(path, sizeof(path), "/srv/www/%c.html", 'a' + file);
			reads(made, path);
			if (file < 5 + i) {
				snprintf(address, sizeof(address), "192.0.2.%u", file + 1);
				connects(made, address, 443);
			}
		}
		end(made);
	}
	lab_compare(&lab, 1);
	expect_changes(&lab, 2, 0);
	lab_close(&lab);
}

static void test_what_failed_is_not_done(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab);
	for (unsigned i = 0; i < 2; i++) {
		struct recording *made = record(&lab, "/lib/libfoo.so.1", "libfoo.so.1");
		reads(made, "/etc/hosts");
		if (i) {
			struct item item = {.type = ITEM_EVENT};
			item.event = (struct item_event){
				.time_ns = made->now_ns,
				.process = made->process,
				.chain = made->chain,
				.target = scene_path(&made->scene, "/etc/nothing"),
				.result = -2,
				.action = WIRE_FILE_READ};
			append(made, &item);
		}
		end(made);
	}
	lab_compare(&lab, 1);
	expect_changes(&lab, 0, 0);
	lab_close(&lab);
}

static void test_two_candidates_are_not_taken_for_one(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab);
	end(record(&lab, "/lib/libfoo.so.1", "libfoo.so.1"));
	end(record(&lab, "/lib/libfoo.so.2", "libfoo.so.2"));
	end(record(&lab, "/lib/libfoo.so.3", "libfoo.so.3"));
	lab_compare(&lab, 1);
	for (uint32_t i = 0; i < lab.diff.subject_count; i++)
		assert_int_not_equal(lab.diff.subjects[i].match, DIFF_BY_STEM);
	lab_close(&lab);
}

static void test_holes_and_unequal_sides_are_told(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab);
	for (unsigned i = 0; i < 2; i++) {
		struct recording *made = record(&lab, "/lib/libfoo.so.1", "libfoo.so.1");
		if (!i)
			reads(made, "/etc/hosts");
		else
			scene_hole(&made->scene, (struct item_hole){.kind = HOLE_LOST,
								    .family = WIRE_FAMILY_FILE,
								    .count = 3,
								    .time_ns = made->now_ns});
		end(made);
	}
	lab_compare(&lab, 1);
	expect_changes(&lab, 0, 2); /* and who called it */
	char *text = printed(&lab);
	assert_non_null(strstr(text, "hole in the second: records were lost"));
	assert_non_null(strstr(text, "what vanished may also be something that could not be seen"));
	free(text);
	assert_null(diff_unequal(&lab.pool, &lab.diff));
	lab.diff.facts[DIFF_AFTER].runs[0].vantage = "shim";
	assert_non_null(diff_unequal(&lab.pool, &lab.diff));
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_noise_is_no_difference),
		cmocka_unit_test(test_growth_is_told),
		cmocka_unit_test(test_many_files_excuse_none),
		cmocka_unit_test(test_what_failed_is_not_done),
		cmocka_unit_test(test_two_candidates_are_not_taken_for_one),
		cmocka_unit_test(test_holes_and_unequal_sides_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
