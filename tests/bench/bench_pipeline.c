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
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collector/pipeline.h"
#include "collector/source/source.h"
#include "tests/unit/scene.h"

#define LIBRARIES 40
#define LIBRARIES_MAX 500
#define CHAINS 200
#define TARGETS 300

struct service {
	const char *name;
	bool has_new_targets; /* a file never seen before with every event */
	bool deviates;	      /* every event does what no profile allows */
	unsigned libraries;
	unsigned rules; /* of its own, in a profile for each library; 0: the shipped policies */
};

static uint64_t state = 1;

static uint32_t draw(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((state >> 33) % below);
}

static double now_s(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_pipeline: %s\n", what);
	exit(1);
}

static int feed(void *arg, const struct item *item)
{
	int error = pipeline_run_item(arg, item);
	if (error)
		die(strerror(-error));
	return error;
}

static void feed_definitions(struct scene *scene, const struct service *service)
{
	uint32_t objects[LIBRARIES_MAX], frames[14];
	char path[96], soname[32];
	scene_run(scene);
	uint32_t app = scene_main_object(scene, "/srv/app");
	for (unsigned i = 0; i < service->libraries; i++) {
		bool is_known = service->deviates || service->rules || i % 4 == 0;
		snprintf(soname, sizeof(soname), is_known ? "libtold%u.so" : "libpart%u.so", i);
		snprintf(path, sizeof(path), "/usr/lib/service/%s", soname);
		objects[i] = scene_library(scene, path, soname);
	}
	uint32_t process = scene_root(scene, "/srv/app", app);
	for (unsigned id = 0; id < CHAINS; id++) {
		for (unsigned i = 0; i < 13; i++)
			frames[i] = objects[draw(service->libraries)];
		frames[13] = app;
		scene_chain(scene, process, scene_stack(scene, 0, 14, frames), 0);
	}
	for (unsigned i = 0; i < TARGETS; i++) {
		snprintf(path, sizeof(path), "/var/lib/service/data/%08x", draw(1u << 31));
		scene_path(scene, path);
	}
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

/* A profile for every library: rules that do not match, and last the one that does. */
static void write_rules(FILE *file, const struct service *service)
{
	unsigned each = service->rules / service->libraries;
	fputs("version: 1\nprofiles:\n", file);
	for (unsigned i = 0; i < service->libraries; i++) {
		fprintf(file,
			"  - name: told%u\n    match: {library: \"libtold%u.so\"}\n"
			"    reason: the bench wants it\n    file:\n      read:\n",
			i, i);
		for (unsigned k = 1; k < each; k++)
			fprintf(file, "        - /srv/of-%u/part-%u/**\n", i, k);
		fputs("        - /var/lib/service/**\n", file);
	}
}

/* The shipped policies, and on top one that allows every libtold nothing; or the service's rules. */
static struct policy *load(const char *policies, const char *own, const struct service *service)
{
	struct policy_options options = {.errors = stderr};
	const char *paths[] = {policies, own};
	struct policy *policy;
	FILE *file = fopen(own, "w");
	if (!file)
		die("its own policy cannot be written");
	if (service->rules)
		write_rules(file, service);
	else
		fputs("version: 1\nprofiles:\n  - name: told\n"
		      "    match: {library: \"libtold*.so\"}\n    base: none\n"
		      "    reason: the bench wants it\n    file: none\n",
		      file);
	if (ferror(file) || fclose(file))
		die("its own policy cannot be written");
	if (policy_load(service->rules ? paths + 1 : paths, service->rules ? 1 : 2, &options, &policy))
		die("the policies do not load");
	unlink(own);
	return policy;
}

static void bench_service(const char *policies, const struct service *service, uint64_t events)
{
	char own[] = "/tmp/bench-pipeline-XXXXXX.yaml";
	char path[] = "/tmp/bench-pipeline-XXXXXX";
	close(mkstemp(path));
	close(mkstemps(own, 5));
	struct policy *policy = load(policies, own, service);
	double live_s = bench_live(policy, path, service, events);
	policy_free(policy);
	policy = load(policies, own, service);
	double replay_s = bench_replay(policy, path, events);
	policy_free(policy);
	printf("%-38s %20.0f %14.0f\n", service->name, (double)events / live_s,
	       (double)events / replay_s);
	unlink(path);
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
	uint64_t events = argc > 2 ? strtoull(argv[2], NULL, 10) : 2000000;
	if (argc < 2)
		die("usage: bench_pipeline POLICIES [EVENTS [WHICH]]");
	printf("%-38s %20s %14s\n", "service", "judged, logged /s", "replayed /s");
	for (unsigned i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (argc < 4 || !strcmp(argv[3], services[i].name))
			bench_service(argv[1], &services[i], events);
	return 0;
}
