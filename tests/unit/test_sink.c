/* SPDX-License-Identifier: Apache-2.0
 *
 * What people and programs get to read: sentences, alerts, escaping.
 */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/sink/fold.h"
#include "collector/sink/words.h"
#include "fake_policy.h"
#include "scene.h"

static int ingest(void *arg, const struct item *item)
{
	return model_ingest(arg, item);
}

/* app, a script run by bash, started by app; curl started by the script. */
struct fixture {
	struct model *model;
	struct policy *policy;
	struct scene scene;
	uint32_t curl, chain;
	struct item_event event;
	struct outcome outcomes[POLICY_OUTCOMES];
	struct finding finding;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->model = model_new();
	f->policy = fake_policy_new("version: 1");
	f->scene = (struct scene){.feed = ingest, .arg = f->model};
	struct scene *scene = &f->scene;
	scene_run(scene);
	uint32_t bash = scene_main_object(scene, "/usr/bin/bash");
	uint32_t curl = scene_main_object(scene, "/usr/bin/curl");
	uint32_t libcurl = scene_library(scene, "/usr/lib/libcurl.so.4.8", "libcurl.so.4");
	uint32_t libc = scene_library(scene, "/usr/lib/libc.so.6", "libc.so.6");
	uint32_t shell =
		scene_process(scene, (struct item_process){.how = PROCESS_ROOT,
							   .script = STR_LIT("/srv/codecov"),
							   .exe = STR_LIT("/usr/bin/bash"),
							   .exe_object = bash});
	const uint32_t spawn[] = {bash, libc, bash};
	uint32_t origin = scene_chain(scene, shell, scene_stack(scene, 0, 3, spawn), 0);
	f->curl = scene_process(scene, (struct item_process){.how = PROCESS_EXEC,
							     .parent = shell,
							     .origin_chain = origin,
							     .exe = STR_LIT("/usr/bin/curl"),
							     .argv = {"curl\0-s\0\xff\x01", 10},
							     .exe_object = curl});
	const uint32_t connect[] = {libcurl, curl, libc, curl};
	f->chain = scene_chain(scene, f->curl, scene_stack(scene, 0, 4, connect), 0);
	assert_int_equal(scene->result, 0);
	fake_charged = 7; /* codecov */
	fake_conduit = "bash";
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	fake_charged = 0;
	fake_conduit = NULL;
	policy_free(f->policy);
	model_free(f->model);
	free(f);
	return 0;
}

static const struct finding *find(struct fixture *f, uint8_t action, uint32_t target)
{
	f->event = (struct item_event){.time_ns = 2000000000u,
				       .process = f->curl,
				       .tid = 77,
				       .chain = f->chain,
				       .target = target,
				       .action = action};
	policy_judge(f->policy, f->model, &f->event, f->outcomes);
	f->finding = (struct finding){.model = f->model,
				      .policy = f->policy,
				      .event = &f->event,
				      .outcome = f->outcomes,
				      .kind = "deviation",
				      .vantage = "shim",
				      .count = 1,
				      .chain = model_chain(f->model, f->chain)};
	fold_fingerprint(&f->finding, f->finding.fingerprint);
	memcpy(f->finding.id, f->finding.fingerprint, sizeof(f->finding.id));
	return &f->finding;
}

/* What the text sink writes for one finding. */
static char *sentence(const struct finding *finding)
{
	static char text[4096];
	FILE *stream = tmpfile();
	struct sink *sink = sink_text_new(stream, false);
	sink->finding(sink, finding);
	assert_int_equal(sink->close(sink), 0);
	rewind(stream);
	text[fread(text, 1, sizeof(text) - 1, stream)] = 0;
	fclose(stream);
	return text;
}

static void test_sentence(void **state)
{
	struct fixture *f = *state;
	const struct finding *finding =
		find(f, WIRE_NET_CONNECT, scene_peer(&f->scene, "127.0.0.66", 18202));
	assert_string_equal(sentence(finding),
			    "sowatch: script codecov (via libc.so.6, curl, libcurl.so.4) connected "
			    "to 127.0.0.66:18202; its profile allows file.read: /srv/** "
			    "(policies/app.yaml:12) [exact]\n");
	/* What carries everything is not worth a word. */
	fake_conduit = "libc.so.6";
	assert_non_null(strstr(sentence(finding), "(via curl, libcurl.so.4)"));
}

static void test_sentence_of_a_try_and_of_repeats(void **state)
{
	struct fixture *f = *state;
	find(f, WIRE_NET_CONNECT, scene_peer(&f->scene, "::1", 80));
	f->event.result = -ECONNREFUSED;
	f->finding.count = 12;
	char *text = sentence(&f->finding);
	assert_non_null(strstr(text, "tried to connect to [::1]:80;"));
	assert_non_null(strstr(text, "(12 times)"));
	f->event.result = -EINPROGRESS;
	assert_non_null(strstr(sentence(&f->finding), " connected to [::1]:80;"));
	scene_name(&f->scene, f->curl, "10.0.0.1", "db.test");
	find(f, WIRE_NET_CONNECT, scene_peer(&f->scene, "10.0.0.1", 5432));
	assert_non_null(strstr(sentence(&f->finding), "10.0.0.1:5432 (db.test)"));
}

static void test_terminal_commands_are_escaped(void **state)
{
	struct fixture *f = *state;
	char *text =
		sentence(find(f, WIRE_FILE_READ,
			      scene_path(&f->scene, "/bad/\033[2J\r\n\xff\xc3\xa9\xe2\x80\xae")));
	assert_non_null(strstr(text, "/bad/\\x1b[2J\\r\\n\\xff\xc3\xa9\\u202e;"));
	assert_null(strchr(text, '\033'));
}

static json_t *alert_of(const struct finding *finding)
{
	char path[] = "/tmp/sowatch-test-XXXXXX", line[8192];
	struct sink *sink;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(sink_jsonl_open(path, &sink), 0);
	sink->finding(sink, finding);
	assert_int_equal(sink->close(sink), 0);
	FILE *stream = fopen(path, "r");
	assert_non_null(fgets(line, sizeof(line), stream));
	fclose(stream);
	unlink(path);
	json_t *alert = json_loads(line, 0, NULL);
	assert_non_null(alert);
	return alert;
}

static void test_alert_fields(void **state)
{
	static const char *const keys[] = {
		"v",	   "id",      "fingerprint", "message", "expected",
		"service", "host",    "uid",	     "tid",	"policy_hash",
		"time",	   "kind",    "subject",     "action",	"object",
		"result",  "rule",    "severity",    "chain",	"call_stack_summary",
		"process", "vantage", "attribution", "count"};
	struct fixture *f = *state;
	json_t *alert =
		alert_of(find(f, WIRE_NET_CONNECT, scene_peer(&f->scene, "127.0.0.66", 18202)));
	unsigned at = 0;
	const char *key;
	json_t *value;
	json_object_foreach(alert, key, value)
	{
		assert_true(at < sizeof(keys) / sizeof(keys[0]));
		assert_string_equal(key, keys[at++]);
	}
	assert_int_equal(at, sizeof(keys) / sizeof(keys[0]));
	const char *time, *name, *summary, *address;
	int port;
	assert_int_equal(json_unpack(alert, "{s:s, s:{s:s}, s:s, s:{s:s, s:i}}", "time", &time,
				     "subject", "name", &name, "call_stack_summary", &summary,
				     "object", "address", &address, "port", &port),
			 0);
	assert_string_equal(time, "2026-09-21T14:13:21.000000000Z");
	assert_string_equal(name, "codecov");
	assert_string_equal(summary, "libcurl.so.4|curl|libc.so.6|curl");
	assert_string_equal(address, "127.0.0.66");
	assert_int_equal(port, 18202);
	json_t *lineage = json_object_get(json_object_get(alert, "process"), "lineage");
	assert_int_equal(json_array_size(lineage), 1);
	json_decref(alert);
}

static void test_alert_survives_any_bytes(void **state)
{
	struct fixture *f = *state;
	const char *bytes = "/bad/\xff\xfe\"\\\001\xed\xa0\x80\xc0\xaf";
	json_t *alert = alert_of(find(f, WIRE_FILE_READ, scene_path(&f->scene, bytes)));
	json_t *path = json_object_get(json_object_get(alert, "object"), "path");
	assert_string_equal(json_string_value(path),
			    "/bad/\\xff\\xfe\"\\\001\\xed\\xa0\\x80\\xc0\\xaf");
	json_t *argv = json_object_get(json_object_get(alert, "process"), "argv");
	assert_int_equal(json_array_size(argv), 3);
	assert_string_equal(json_string_value(json_array_get(argv, 2)), "\\xff\001");
	json_decref(alert);
}

static void test_fingerprint_has_no_pids(void **state)
{
	struct fixture *f = *state;
	char one[33];
	find(f, WIRE_FILE_READ, scene_path(&f->scene, "/proc/123/mem"));
	memcpy(one, f->finding.fingerprint, sizeof(one));
	find(f, WIRE_FILE_READ, scene_path(&f->scene, "/proc/4567/mem"));
	assert_string_equal(one, f->finding.fingerprint);
	find(f, WIRE_FILE_READ, scene_path(&f->scene, "/proc/4567/maps"));
	assert_string_not_equal(one, f->finding.fingerprint);
	find(f, WIRE_FILE_WRITE, scene_path(&f->scene, "/proc/4567/mem"));
	assert_string_not_equal(one, f->finding.fingerprint);
	/* Whoever connects to us comes from another port each time. */
	find(f, WIRE_NET_ACCEPT, scene_peer(&f->scene, "10.0.0.1", 1000));
	memcpy(one, f->finding.fingerprint, sizeof(one));
	find(f, WIRE_NET_ACCEPT, scene_peer(&f->scene, "10.0.0.1", 2000));
	assert_string_equal(one, f->finding.fingerprint);
}

static bool is_same_print(struct fixture *f, uint8_t action, const char *one, const char *two)
{
	char print[33];
	find(f, action, scene_path(&f->scene, one));
	memcpy(print, f->finding.fingerprint, sizeof(print));
	find(f, action, scene_path(&f->scene, two));
	return !strcmp(print, f->finding.fingerprint);
}

static void test_fingerprint_of_temporary_names(void **state)
{
	struct fixture *f = *state;
	assert_true(is_same_print(f, WIRE_FILE_WRITE, "/tmp/tmp.Qw3rTy/x", "/tmp/tmp.aBcDeF/x"));
	assert_true(is_same_print(f, WIRE_FILE_WRITE, "/tmp/pymp-a1b_2c3d", "/tmp/pymp-0zzzz_99"));
	assert_true(is_same_print(f, WIRE_FILE_WRITE, "/tmp/cache-12", "/tmp/cache-4711"));
	assert_true(is_same_print(f, WIRE_FILE_READ, "/srv/o/0123456789abcdef0123",
				  "/srv/o/fedcba98765432100123"));
	/* Words stay words, in temporary places and elsewhere, and what runs keeps its name. */
	assert_false(is_same_print(f, WIRE_FILE_WRITE, "/tmp/passwords", "/tmp/harmless"));
	assert_false(is_same_print(f, WIRE_FILE_WRITE, "/srv/tmp.Qw3rTy", "/srv/tmp.aBcDeF"));
	assert_false(is_same_print(f, WIRE_FILE_READ, "/usr/lib/x-1.2", "/usr/lib/x-1.3"));
	assert_false(is_same_print(f, WIRE_EXEC_RUN, "/tmp/tmp.Qw3rTy", "/tmp/tmp.aBcDeF"));
	assert_false(is_same_print(f, WIRE_FILE_WRITE, "/tmp/a/b", "/tmp/a"));
}

/* Two files of one soname are two subjects. */
static void test_fingerprint_tells_subjects_apart(void **state)
{
	struct fixture *f = *state;
	char print[2][33];
	uint32_t target = scene_path(&f->scene, "/etc/shadow");
	for (unsigned i = 0; i < 2; i++) {
		const uint32_t frame[] = {scene_library(
			&f->scene, i ? "/opt/b/libx.so.1" : "/opt/a/libx.so.1", "libx.so.1")};
		f->chain = scene_chain(&f->scene, f->curl, scene_stack(&f->scene, 0, 1, frame), 0);
		fake_charged = 0;
		find(f, WIRE_FILE_READ, target);
		memcpy(print[i], f->finding.fingerprint, sizeof(print[i]));
		assert_string_equal(f->finding.outcome->charged->subject->name, "libx.so.1");
	}
	assert_string_not_equal(print[0], print[1]);
}

/* A terminal gets a sentence, the alerts get everything. */
static void test_long_names(void **state)
{
	struct fixture *f = *state;
	char path[4001];
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = 0;
	const struct finding *finding =
		find(f, WIRE_FILE_WRITE, scene_path(&f->scene, path));
	assert_true(strlen(sentence(finding)) < 700);
	assert_non_null(strstr(sentence(finding), "aaa… and 3600 more bytes;"));
	struct text text = {0};
	text_clear(&text);
	words_message(&text, finding, ESCAPE_UTF8);
	assert_non_null(strstr(text.data, path));
	text_done(&text);
}

struct told {
	uint64_t lines, count;
};

static void count_told(void *arg, const struct finding *finding)
{
	struct told *told = arg;
	told->lines++;
	told->count += finding->count;
}

/* More deviations than are held apart: bounded, and the counts still sum up. */
static void test_fold_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct told told = {0};
	struct fold *fold = fold_new(NULL, count_told, &told);
	enum { DIFFERENT = (1 << 18) + 1000 };
	uint32_t first = 0;
	assert_non_null(fold);
	for (uint32_t i = 0; i < DIFFERENT; i++) {
		char path[32];
		snprintf(path, sizeof(path), "/srv/%c%c%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26,
			 'a' + i / 676 % 26, 'a' + i / 17576 % 26, 'a' + i / 456976 % 26);
		uint32_t target = scene_path(&f->scene, path);
		first = first ? first : target;
		assert_int_equal(fold_add(fold, find(f, WIRE_FILE_READ, target)), 1);
		assert_int_equal(fold_add(fold, find(f, WIRE_FILE_READ, first)), 1);
	}
	fold_finish(fold);
	assert_int_equal(told.count, 2 * DIFFERENT);
	assert_in_range(told.lines, DIFFERENT, DIFFERENT + 8);
	fold_free(fold);
}

static void test_utf8(void **state)
{
	(void)state;
	uint32_t c;
	assert_int_equal(utf8_length("\xf0\x9f\x98\x80", 4, &c), 4);
	assert_int_equal(c, 0x1f600);
	assert_int_equal(utf8_length("\xf0\x9f\x98\x80", 3, &c), 0);
	assert_int_equal(utf8_length("\xf4\x90\x80\x80", 4, &c), 0); /* beyond Unicode */
	assert_int_equal(utf8_length("\xe0\x80\x80", 3, &c), 0);     /* overlong */
	assert_int_equal(utf8_length("\x80", 1, &c), 0);
}

static int baseline_from(const char *text, struct baseline **ret_baseline, unsigned *ret_line)
{
	char path[] = "/tmp/sowatch-test-XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	int error = baseline_load(path, ret_baseline, ret_line);
	unlink(path);
	return error;
}

static void test_baseline(void **state)
{
	(void)state;
	struct baseline *baseline;
	unsigned line;
	assert_int_equal(
		baseline_from("# known\n00112233445566778899aabbccddeeff\n\n"
			      "{\"v\":1,\"fingerprint\":\"ffeeddccbbaa99887766554433221100\"}\n",
			      &baseline, &line),
		0);
	assert_true(baseline_has(baseline, "00112233445566778899aabbccddeeff"));
	assert_true(baseline_has(baseline, "ffeeddccbbaa99887766554433221100"));
	assert_false(baseline_has(baseline, "00000000000000000000000000000000"));
	baseline_free(baseline);
	assert_int_equal(baseline_from("\n0011\n", &baseline, &line), -EINVAL);
	assert_int_equal(line, 2);
	assert_int_equal(baseline_from("{\"v\":1}\n", &baseline, &line), -EINVAL);
	assert_int_equal(baseline_load("/nonexistent/x", &baseline, &line), -ENOENT);
}

static void test_files_that_cannot_be_written(void **state)
{
	struct fixture *f = *state;
	struct sink *sink;
	assert_int_equal(sink_jsonl_open("/nonexistent/alerts", &sink), -ENOENT);
	assert_int_equal(sink_summary_open("/nonexistent/summary", &sink), -ENOENT);
	if (access("/dev/full", W_OK))
		return;
	assert_int_equal(sink_jsonl_open("/dev/full", &sink), 0);
	sink->finding(sink, find(f, WIRE_FILE_READ, scene_path(&f->scene, "/bad/x")));
	sink->flush(sink);
	assert_int_equal(sink->close(sink), -ENOSPC);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_sentence),
		CASE(test_sentence_of_a_try_and_of_repeats),
		CASE(test_terminal_commands_are_escaped),
		CASE(test_alert_fields),
		CASE(test_alert_survives_any_bytes),
		CASE(test_fingerprint_has_no_pids),
		CASE(test_fingerprint_of_temporary_names),
		CASE(test_fingerprint_tells_subjects_apart),
		CASE(test_long_names),
		CASE(test_fold_is_bounded),
		CASE(test_files_that_cannot_be_written),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_baseline),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
