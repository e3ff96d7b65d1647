/* SPDX-License-Identifier: Apache-2.0
 *
 * The order: verdicts, folding, holes, and that a replay says what the run said, byte for byte.
 */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/pipeline.h"
#include "collector/source/source.h"
#include "fake_policy.h"
#include "scene.h"

#define SECOND 1000000000ull
#define LINES_MAX 64

/* Remembers what it is told. */
struct memory {
	struct sink sink; /* first */
	unsigned count;
	uint64_t counts[LINES_MAX], times[LINES_MAX];
	char ids[LINES_MAX][33], fingerprints[LINES_MAX][33];
	const struct report *report;
};

static void memory_finding(struct sink *sink, const struct finding *finding)
{
	struct memory *memory = (struct memory *)sink;
	assert_true(memory->count < LINES_MAX);
	memory->counts[memory->count] = finding->count;
	memory->times[memory->count] = finding->event->time_ns;
	memcpy(memory->fingerprints[memory->count], finding->fingerprint, 33);
	memcpy(memory->ids[memory->count++], finding->id, 33);
}

static void memory_report(struct sink *sink, const struct report *report)
{
	((struct memory *)sink)->report = report;
}

struct fixture {
	struct memory memory;
	struct sink *sinks[1];
	struct pipeline_options options;
	struct pipeline *pipeline;
	struct scene scene;
	uint32_t process, chain, partial_chain, good, bad;
};

static int run_item(void *arg, const struct item *item)
{
	return pipeline_run_item(arg, item);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->memory.sink = (struct sink){memory_finding, memory_report, NULL, NULL};
	f->sinks[0] = &f->memory.sink;
	f->options = (struct pipeline_options){
		.policy = fake_policy_new("version: 1"), .sinks = f->sinks, .sink_count = 1};
	*state = f;
	fake_accepts = NULL;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	pipeline_free(f->pipeline);
	policy_free(f->options.policy);
	free(f);
	return 0;
}

static void feed_start(struct scene *scene, struct fixture *f)
{
	scene_run(scene);
	uint32_t app = scene_main_object(scene, "/usr/bin/app");
	uint32_t foo = scene_library(scene, "/usr/lib/libfoo.so.1", "libfoo.so.1");
	const uint32_t frames[] = {foo, app};
	f->process = scene_root(scene, "/usr/bin/app", app);
	f->chain = scene_chain(scene, f->process, scene_stack(scene, 0, 2, frames), 0);
	f->partial_chain = scene_chain(scene, f->process, 0, 0);
	f->good = scene_path(scene, "/good");
	f->bad = scene_path(scene, "/bad/x");
	assert_int_equal(scene->result, 0);
}

static void begin(struct fixture *f)
{
	f->pipeline = pipeline_new(&f->options);
	assert_non_null(f->pipeline);
	f->scene = (struct scene){.feed = run_item, .arg = f->pipeline};
	feed_start(&f->scene, f);
}

static void event(struct fixture *f, uint32_t target, uint64_t time_ns)
{
	scene_event(&f->scene, WIRE_FILE_READ, f->process, f->chain, target, time_ns);
	assert_int_equal(f->scene.result, 0);
}

static const struct report *finish(struct fixture *f)
{
	scene_end(&f->scene, 100 * SECOND);
	return pipeline_finish(f->pipeline);
}

static void test_clean_needs_full_coverage(void **state)
{
	struct fixture *f = *state;
	begin(f);
	event(f, f->good, SECOND);
	const struct report *report = finish(f);
	assert_int_equal(report->verdict, VERDICT_UNKNOWN);
	assert_int_equal(report->reason_count, 1);
	assert_non_null(strstr(report->reasons[0], "kernel side is missing"));
	assert_int_equal(report->tally->events, 1);
}

static void test_accept_shim_only(void **state)
{
	struct fixture *f = *state;
	f->options.accepts_shim_only = true;
	begin(f);
	event(f, f->good, SECOND);
	const struct report *report = finish(f);
	assert_int_equal(report->verdict, VERDICT_CLEAN);
	assert_int_equal(report->reason_count, 0);
	assert_true(report->tally->holes[0].is_accepted);
	assert_string_equal(report->tally->holes[0].accept_reason, "--accept shim-only");
}

static void test_accepted_by_policy(void **state)
{
	struct fixture *f = *state;
	fake_accepts = "shim-only";
	begin(f);
	assert_int_equal(finish(f)->verdict, VERDICT_CLEAN);
}

static void test_uncovered_process_is_named(void **state)
{
	struct fixture *f = *state;
	f->options.accepts_shim_only = true;
	begin(f);
	scene_hole(&f->scene, (struct item_hole){.kind = HOLE_UNCOVERED,
						 .family = 5,
						 .count = 1,
						 .process = f->process,
						 .chain = f->chain,
						 .what = STR_LIT("/opt/busy\033box"),
						 .reason = STR_LIT("static")});
	const struct report *report = finish(f);
	assert_int_equal(report->verdict, VERDICT_UNKNOWN);
	assert_int_equal(report->reason_count, 1);
	assert_string_equal(report->reasons[0],
			    "a process ran without the shim: /opt/busy\033box (static), started by "
			    "library libfoo.so.1 in executable app");
}

static void test_equal_holes_are_counted_together(void **state)
{
	struct fixture *f = *state;
	begin(f);
	for (unsigned i = 0; i < 5; i++)
		scene_hole(&f->scene, (struct item_hole){.kind = HOLE_LOST,
							 .family = 2,
							 .count = 3,
							 .process = f->process});
	const struct report *report = finish(f);
	assert_int_equal(report->tally->hole_count, 2);
	assert_int_equal(report->tally->holes[0].hole.count, 15);
	assert_non_null(strstr(report->reasons[0], "15 times, family file"));
}

static void test_deviates_beats_unknown(void **state)
{
	struct fixture *f = *state;
	begin(f);
	event(f, f->bad, SECOND);
	const struct report *report = finish(f);
	assert_int_equal(report->verdict, VERDICT_DEVIATES);
	assert_int_equal(report->tally->deviations, 1);
	assert_string_equal(report->reasons[0], "1 action was not allowed by the policy");
}

static void test_rejected_items_are_a_hole(void **state)
{
	struct fixture *f = *state;
	f->options.accepts_shim_only = true;
	begin(f);
	scene_event(&f->scene, WIRE_FILE_READ, 99, f->chain, f->good, SECOND);
	assert_int_equal(f->scene.result, -EINVAL);
	const struct report *report = finish(f);
	assert_int_equal(report->verdict, VERDICT_UNKNOWN);
	assert_int_equal(report->tally->holes[0].hole.kind, HOLE_REJECTED);
	assert_int_equal(report->tally->events, 0);
}

static void test_missing_end_is_a_hole(void **state)
{
	struct fixture *f = *state;
	f->options.accepts_shim_only = true;
	begin(f);
	assert_int_equal(pipeline_finish(f->pipeline)->verdict, VERDICT_UNKNOWN);
	assert_int_equal(f->memory.report->tally->holes[0].hole.kind, HOLE_TORN);
}

static void test_cut_stack_is_a_hole_only_beyond_the_cut(void **state)
{
	struct fixture *f = *state;
	const uint32_t frames[] = {2};
	f->options.accepts_shim_only = true;
	begin(f);
	uint32_t cut = scene_chain(&f->scene, f->process,
				   scene_stack(&f->scene, WIRE_STACK_PARTIAL, 1, frames), 0);
	scene_event(&f->scene, WIRE_FILE_READ, f->process, cut, f->good, SECOND);
	fake_charged = 1; /* the executable, which the stack did not show */
	scene_event(&f->scene, WIRE_FILE_READ, f->process, cut, f->good, SECOND);
	fake_charged = 0;
	const struct report *report = finish(f);
	assert_int_equal(report->tally->partial_stacks, 2);
	assert_int_equal(report->tally->hole_count, 2);
	assert_int_equal(report->tally->holes[0].hole.kind, HOLE_PARTIAL);
	assert_int_equal(report->tally->holes[0].hole.count, 1);
}

static void test_unreadable_argument_is_a_hole(void **state)
{
	struct fixture *f = *state;
	struct item item = {.type = ITEM_EVENT};
	begin(f);
	item.event = (struct item_event){.process = f->process,
					 .chain = f->chain,
					 .action = WIRE_FILE_READ,
					 .flags = EVENT_UNREADABLE};
	pipeline_run_item(f->pipeline, &item);
	item.event.result = -EFAULT; /* the kernel could not read it either */
	pipeline_run_item(f->pipeline, &item);
	const struct report *report = finish(f);
	assert_int_equal(report->tally->holes[0].hole.kind, HOLE_UNREADABLE);
	assert_int_equal(report->tally->holes[0].hole.count, 1);
}

static void test_fold_by_event_time(void **state)
{
	struct fixture *f = *state;
	uint64_t sum = 0;
	begin(f);
	for (unsigned tenth = 0; tenth <= 100; tenth++) /* 0 s to 10 s, ten a second */
		event(f, f->bad, SECOND + tenth * (SECOND / 10));
	event(f, f->bad, 0); /* from a ring drained late */
	assert_int_equal(finish(f)->verdict, VERDICT_DEVIATES);
	/* at once, at 1, 2, 4 and 8 seconds, the rest at the end */
	const uint64_t counts[] = {1, 10, 10, 20, 40, 21};
	const unsigned tenths[] = {0, 10, 20, 40, 80};
	assert_int_equal(f->memory.count, 6);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(f->memory.counts[i], counts[i]);
		if (i < 5)
			assert_int_equal(f->memory.times[i], SECOND + tenths[i] * (SECOND / 10));
		assert_string_equal(f->memory.fingerprints[i], f->memory.fingerprints[0]);
		if (i)
			assert_string_not_equal(f->memory.ids[i], f->memory.ids[i - 1]);
		sum += f->memory.counts[i];
	}
	assert_int_equal(sum, 102);
	assert_int_equal(f->memory.report->tally->deviations, 102);
}

static void test_fold_remainders_in_order_of_appearance(void **state)
{
	struct fixture *f = *state;
	uint32_t targets[20];
	begin(f);
	for (unsigned i = 0; i < 20; i++) {
		char path[32];
		snprintf(path, sizeof(path), "/bad/%u", i);
		targets[i] = scene_path(&f->scene, path);
	}
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 20; i++)
			event(f, targets[i], SECOND);
	finish(f);
	assert_int_equal(f->memory.count, 40);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(f->memory.counts[20 + i], 2);
		assert_string_equal(f->memory.fingerprints[20 + i], f->memory.fingerprints[i]);
	}
}

static void test_baseline_silences(void **state)
{
	struct fixture *f = *state;
	begin(f);
	event(f, f->bad, SECOND);
	finish(f);
	char path[] = "/tmp/sowatch-test-XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, f->memory.fingerprints[0], 32), 32);
	close(fd);
	struct baseline *baseline;
	unsigned line;
	assert_int_equal(baseline_load(path, &baseline, &line), 0);
	unlink(path);
	pipeline_free(f->pipeline);
	f->memory.count = 0;
	f->options.baseline = baseline;
	f->options.accepts_shim_only = true;
	begin(f);
	event(f, f->bad, SECOND);
	event(f, f->bad, 5 * SECOND);
	const struct report *report = finish(f);
	assert_int_equal(report->verdict, VERDICT_CLEAN);
	assert_int_equal(f->memory.count, 0);
	assert_int_equal(report->tally->deviations, 0);
	assert_int_equal(report->tally->baselined, 2);
	assert_int_equal(report->baselined_count, 1);
	assert_int_equal(report->baselined[0].count, 2);
	baseline_free(baseline);
}

static void test_filters(void **state)
{
	struct fixture *f = *state;
	f->options.filter.action = "net.*";
	begin(f);
	event(f, f->bad, SECOND);
	assert_int_equal(finish(f)->tally->events, 0);
	pipeline_free(f->pipeline);
	f->options.filter =
		(struct pipeline_filter){.subject = "libfoo.so.1", .action = "file.*", .pid = 4001};
	begin(f);
	event(f, f->bad, SECOND);
	assert_int_equal(finish(f)->tally->deviations, 1);
	pipeline_free(f->pipeline);
	f->options.filter.subject = "app";
	begin(f);
	event(f, f->bad, SECOND);
	assert_int_equal(finish(f)->tally->events, 0);
}

/* --- live against replay ------------------------------------------------------------------ */

struct output {
	char *alerts, *summary, *text;
};

static char *slurp(const char *path)
{
	char *data = calloc(1, 1 << 20);
	FILE *stream = fopen(path, "r");
	assert_non_null(stream);
	assert_true(fread(data, 1, (1 << 20) - 1, stream) > 0);
	fclose(stream);
	unlink(path);
	return data;
}

/* Runs feed with all three real sinks. */
static struct output judged(struct policy *policy, struct log_writer *log,
			    void (*feed)(struct pipeline *pipeline, void *arg), void *arg)
{
	char dir[] = "/tmp/sowatch-test-XXXXXX", alerts[64], summary[64], text[64];
	struct sink *sinks[3];
	assert_non_null(mkdtemp(dir));
	snprintf(alerts, sizeof(alerts), "%s/alerts", dir);
	snprintf(summary, sizeof(summary), "%s/summary", dir);
	snprintf(text, sizeof(text), "%s/text", dir);
	FILE *stream = fopen(text, "w");
	sinks[0] = sink_text_new(stream, false);
	assert_int_equal(sink_jsonl_open(alerts, &sinks[1]), 0);
	assert_int_equal(sink_summary_open(summary, &sinks[2]), 0);
	struct pipeline_options options = {.policy = policy,
					   .log = log,
					   .sinks = sinks,
					   .sink_count = 3,
					   .log_path = "log",
					   .errors = stderr};
	struct pipeline *pipeline = pipeline_new(&options);
	feed(pipeline, arg);
	pipeline_finish(pipeline);
	pipeline_free(pipeline);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(sinks[i]->close(sinks[i]), 0);
	fclose(stream);
	struct output output = {slurp(alerts), slurp(summary), slurp(text)};
	rmdir(dir);
	return output;
}

static void output_done(struct output *output)
{
	free(output->alerts);
	free(output->summary);
	free(output->text);
}

static void feed_live(struct pipeline *pipeline, void *arg)
{
	struct fixture *f = arg;
	f->scene = (struct scene){.feed = run_item, .arg = pipeline};
	feed_start(&f->scene, f);
	uint32_t peer = scene_peer(&f->scene, "127.0.0.66", 80);
	for (unsigned i = 0; i < 50; i++) {
		event(f, i % 3 ? f->good : f->bad, SECOND + i * (SECOND / 4));
		scene_event(&f->scene, WIRE_NET_CONNECT, f->process, f->partial_chain, peer,
			    SECOND + i);
		if (i == 20)
			scene_name(&f->scene, f->process, "127.0.0.66", "rogue.test");
	}
	scene_event(&f->scene, WIRE_FILE_READ, 99, 99, 99, SECOND); /* rejected */
	scene_path(&f->scene, "/after");
	scene_hole(&f->scene, (struct item_hole){.kind = HOLE_UNCOVERED,
						 .family = 5,
						 .count = 1,
						 .process = f->process,
						 .chain = f->chain,
						 .what = STR_LIT("/opt/static"),
						 .reason = STR_LIT("static")});
	scene_end(&f->scene, 99 * SECOND);
}

static void feed_log(struct pipeline *pipeline, void *arg)
{
	struct source *source;
	struct item item;
	char error[256];
	assert_int_equal(source_log_open(arg, &source, error, sizeof(error)), 0);
	int next;
	while ((next = source_next(source, &item)) == 1)
		pipeline_run_item(pipeline, &item);
	assert_int_equal(next, -ENODATA);
	source_close(source);
}

static void test_replay_says_the_same(void **state)
{
	struct fixture *f = *state;
	char path[] = "/tmp/sowatch-test-XXXXXX";
	struct log_writer *log;
	close(mkstemp(path));
	assert_int_equal(log_create(path, &log), 0);
	struct output live = judged(f->options.policy, log, feed_live, f);
	struct output stored = judged(NULL, NULL, feed_log, path);
	struct output given = judged(f->options.policy, NULL, feed_log, path);
	assert_non_null(strstr(live.alerts, "127.0.0.66"));
	assert_non_null(strstr(live.text, "deviates: "));
	assert_non_null(strstr(live.summary, "\"rejected\""));
	assert_string_equal(live.alerts, stored.alerts);
	assert_string_equal(live.summary, stored.summary);
	assert_string_equal(live.text, stored.text);
	assert_string_equal(live.alerts, given.alerts);
	assert_string_equal(live.summary, given.summary);
	assert_string_equal(live.text, given.text);
	output_done(&live);
	output_done(&stored);
	output_done(&given);
	unlink(path);
}

static void test_summary_fields(void **state)
{
	struct fixture *f = *state;
	struct output live = judged(f->options.policy, NULL, feed_live, f);
	json_t *summary = json_loads(live.summary, 0, NULL);
	const char *verdict, *vantage, *exe, *who;
	int version, events, deviations, partial, lost, reads;
	json_t *unprofiled;
	assert_int_equal(
		json_unpack(summary,
			    "{s:i, s:s, s:i, s:i, s:{s:i, s:[{s:s, s:{s:s}}], s:i, s:s}, s:o}", "v",
			    &version, "verdict", &verdict, "events", &events, "deviations",
			    &deviations, "coverage", "lost", &lost, "uncovered_processes", "exe",
			    &exe, "started_by", "name", &who, "partial_stacks", &partial, "vantage",
			    &vantage, "unprofiled", &unprofiled),
		0);
	assert_string_equal(verdict, "deviates");
	assert_string_equal(vantage, "shim");
	assert_string_equal(exe, "/opt/static");
	assert_string_equal(who, "libfoo.so.1");
	assert_int_equal(events, 100);
	assert_int_equal(deviations, 67);
	assert_int_equal(partial, 50);
	assert_int_equal(json_array_size(unprofiled), 1);
	json_t *foo = json_array_get(json_object_get(summary, "subjects"), 1);
	assert_int_equal(
		json_unpack(foo, "{s:s, s:{s:i}}", "name", &who, "actions", "file.read", &reads),
		0);
	assert_string_equal(who, "libfoo.so.1");
	assert_int_equal(reads, 50);
	json_decref(summary);
	output_done(&live);
}

static void test_broken_stored_policy_stops(void **state)
{
	struct fixture *f = *state;
	struct pipeline_options options = {.sinks = NULL};
	struct pipeline *pipeline = pipeline_new(&options);
	struct scene scene = {.feed = run_item, .arg = pipeline};
	scene_run(&scene);
	struct item item = {.type = ITEM_POLICY};
	item.policy = (struct item_policy){STR_LIT("x.yaml"), STR_LIT(FAKE_BROKEN)};
	assert_int_equal(pipeline_run_item(pipeline, &item), 0);
	scene_main_object(&scene, "/app");
	assert_int_equal(scene.result, -ENOEXEC);
	pipeline_free(pipeline);
	(void)f;
}

static void test_full_disk_is_told_once_and_survived(void **state)
{
	struct fixture *f = *state;
	char *told = NULL, expected[256], path[] = "/tmp/sowatch-test-XXXXXX";
	size_t told_len = 0;
	struct rlimit before, small;
	close(mkstemp(path));
	f->options.errors = open_memstream(&told, &told_len);
	f->options.log_path = path;
	f->options.accepts_shim_only = true;
	assert_int_equal(log_create(path, &f->options.log), 0);
	/* A file that may not grow stands in for a disk that is full. */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = (struct rlimit){2048, before.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	begin(f);
	for (unsigned i = 0; i < 2000; i++) {
		event(f, f->good, SECOND + i);
		if (i % 10 == 0)
			pipeline_flush(f->pipeline);
	}
	const struct report *report = finish(f);
	setrlimit(RLIMIT_FSIZE, &before);
	unlink(path);
	fclose(f->options.errors);
	f->options.errors = NULL;
	assert_int_equal(report->tally->events, 2000);
	assert_int_equal(report->verdict, VERDICT_UNKNOWN);
	assert_int_equal(report->tally->holes[0].hole.kind, HOLE_LOG);
	assert_int_equal(report->tally->holes[0].hole.count, 1);
	snprintf(expected, sizeof(expected),
		 "sowatch: the log %s cannot be written: File too large; watching goes on without "
		 "it\n",
		 path);
	assert_string_equal(told, expected);
	free(told);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_clean_needs_full_coverage),
		CASE(test_accept_shim_only),
		CASE(test_accepted_by_policy),
		CASE(test_uncovered_process_is_named),
		CASE(test_equal_holes_are_counted_together),
		CASE(test_deviates_beats_unknown),
		CASE(test_rejected_items_are_a_hole),
		CASE(test_missing_end_is_a_hole),
		CASE(test_cut_stack_is_a_hole_only_beyond_the_cut),
		CASE(test_unreadable_argument_is_a_hole),
		CASE(test_fold_by_event_time),
		CASE(test_fold_remainders_in_order_of_appearance),
		CASE(test_baseline_silences),
		CASE(test_filters),
		CASE(test_replay_says_the_same),
		CASE(test_summary_fields),
		CASE(test_broken_stored_policy_stops),
		CASE(test_full_disk_is_told_once_and_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
