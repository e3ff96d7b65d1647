/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_pipeline POLICIES [EVENTS [WHICH]]: everything behind the source, on one core. A service of 40
 * libraries, 200 chains and 300 files is judged and logged, then its log is replayed. Then the same
 * with nothing but 10 rules and 10 libraries, and with 10 000 rules and 500 libraries.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_service.h"
#include "collector/pipeline.h"
#include "collector/source/source.h"

#define ROUNDS 5

static int feed(void *arg, const struct item *item)
{
	int error = pipeline_run_item(arg, item);
	if (error)
		die(strerror(-error));
	return error;
}

/* Requests of five to nine events, always in the same places of the program. */
static void feed_events(struct scene *scene, const struct service *service, uint64_t events)
{
	struct item item = {.type = ITEM_EVENT};
	uint32_t left = 0, request = 0;
	uint64_t now_ns = 1000000000u;
	for (uint64_t i = 0; i < events; i++) {
		if (!left) {
			left = 5 + draw(5);
			request = draw(20);
		}
		left--;
		now_ns += draw(40000);
		item.event = (struct item_event){.time_ns = now_ns,
						 .process = 1,
						 .tid = 4000 + request % 8,
						 .chain = 1 + request * 10 + left,
						 .action = WIRE_FILE_READ,
						 .result = (int32_t)(5 + draw(20))};
		item.event.target = 1 + (request * 10 + left * 3 + draw(2)) % TARGETS;
		if (service->has_new_targets) {
			char path[96];
			snprintf(path, sizeof(path), "/var/lib/service/cache/%" PRIx64, i);
			item.event.target = scene_path(scene, path);
		}
		feed(scene->arg, &item);
	}
	scene_end(scene, now_ns);
}

static double bench_live(struct policy *policy, const char *path, const struct service *service,
			 uint64_t events)
{
	struct pipeline_options options = {.policy = policy, .log_path = path, .errors = stderr};
	if (log_create(path, &options.log))
		die("the log cannot be created");
	double start = now_s();
	struct pipeline *pipeline = pipeline_new(&options);
	struct scene scene = {.feed = feed, .arg = pipeline};
	feed_definitions(&scene, service);
	feed_events(&scene, service, events);
	const struct report *report = pipeline_finish(pipeline);
	double end = now_s();
	if (report->tally->events != events)
		die("events are missing");
	if (service->deviates && report->tally->deviations != events)
		die("not every event deviates: these policies do not fit the bench");
	if (service->rules && report->tally->deviations)
		die("something deviates: its own rules do not fit the bench");
	pipeline_free(pipeline);
	return end - start;
}

static double bench_replay(struct policy *policy, const char *path, uint64_t events)
{
	struct pipeline_options options = {.policy = policy, .errors = stderr};
	struct source *source;
	struct item item;
	char error[256];
	double start = now_s();
	if (source_log_open(path, &source, error, sizeof(error)))
		die(error);
	struct pipeline *pipeline = pipeline_new(&options);
	while (source_next(source, &item) == 1)
		pipeline_run_item(pipeline, &item);
	const struct report *report = pipeline_finish(pipeline);
	double end = now_s();
	if (report->tally->events != events)
		die("events are missing in the replay");
	pipeline_free(pipeline);
	source_close(source);
	return end - start;
}

/* Events per second, live and replayed. */
static void bench_service(const char *policies, const struct service *service, uint64_t events,
			  double *ret_live, double *ret_replay)
{
	char path[] = "/tmp/bench-pipeline-XXXXXX";
	close(mkstemp(path));
	struct policy *policy = load_policy(policies, service);
	*ret_live = (double)events / bench_live(policy, path, service, events);
	policy_free(policy);
	policy = load_policy(policies, service);
	*ret_replay = (double)events / bench_replay(policy, path, events);
	policy_free(policy);
	unlink(path);
}

/* What the large service costs against the small one, in each round. */
static void print_ratio(const char *name, const double *few, const double *many)
{
	double ratios[ROUNDS];
	for (unsigned round = 0; round < ROUNDS; round++)
		ratios[round] = few[round] / many[round];
	qsort(ratios, ROUNDS, sizeof(*ratios), number_compare);
	printf("%-38s  %.2f  %.2f to %.2f\n", name, ratios[ROUNDS / 2], ratios[0],
	       ratios[ROUNDS - 1]);
}

int main(int argc, char **argv)
{
	static const struct service services[] = {
		{"steady", false, false, LIBRARIES, 0},
		{"every event deviates", false, true, LIBRARIES, 0},
		{"new file each event", true, false, LIBRARIES, 0},
		{"10 rules, 10 objects", false, false, 10, 10},
		{"10000 rules, 500 objects", false, false, LIBRARIES_MAX, 10000},
		{"10 rules, 10 objects, new files", true, false, 10, 10},
		{"10000 rules, 500 objects, new files", true, false, LIBRARIES_MAX, 10000},
	};
	enum { SERVICES = sizeof(services) / sizeof(services[0]) };
	static double live[SERVICES][ROUNDS], replay[SERVICES][ROUNDS];
	uint64_t events = argc > 2 ? strtoull(argv[2], NULL, 10) : 2000000;
	const char *which = argc > 3 ? argv[3] : "";
	if (argc < 2)
		die("usage: bench_pipeline POLICIES [EVENTS [WHICH]]");
	for (unsigned round = 0; round < ROUNDS; round++) /* in turn: the machine has moods */
		for (unsigned i = 0; i < SERVICES; i++)
			if (strstr(services[i].name, which))
				bench_service(argv[1], &services[i], events / ROUNDS,
					      &live[i][round], &replay[i][round]);
	printf("%-38s %20s %14s\n", "service", "judged, logged /s", "replayed /s");
	print_ratio("many rules and objects, seen before", live[3], live[4]);
	print_ratio("many rules and objects, never seen", live[5], live[6]);
	for (unsigned i = 0; i < SERVICES; i++) {
		qsort(live[i], ROUNDS, sizeof(double), number_compare);
		qsort(replay[i], ROUNDS, sizeof(double), number_compare);
		printf("%-38s %20.0f %14.0f\n", services[i].name, live[i][ROUNDS / 2],
		       replay[i][ROUNDS / 2]);
	}
	return 0;
}
