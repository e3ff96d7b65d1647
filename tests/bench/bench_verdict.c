/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_verdict POLICIES [VERDICTS]: policy_judge() alone, on one core. "seen": the same chains and
 * files again and again; "new": a file never judged before with each verdict. With the shipped
 * policies, with 10 rules and 10 libraries, and with 10 000 rules and 500 libraries, in turn.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_service.h"

#define ROUNDS 9
#define BATCH 4096

/* The processor's time, not the clock's: judging waits for nothing. */
static double cpu_s(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int feed(void *arg, const struct item *item)
{
	int error = model_ingest(arg, item);
	if (error)
		die(strerror(-error));
	return error;
}

static void make_events(struct scene *scene, bool is_new, uint64_t *number,
			struct item_event events[BATCH])
{
	for (unsigned i = 0; i < BATCH; i++) {
		events[i] = (struct item_event){.time_ns = 1000000000u + *number,
						.process = 1,
						.chain = 1 + draw(CHAINS),
						.target = 1,
						.action = WIRE_FILE_READ,
						.result = 5};
		/* A place of the program reads one of a few files of its own. */
		events[i].target += (events[i].chain * 7 + draw(10)) % TARGETS;
		if (is_new) {
			char path[96];
			snprintf(path, sizeof(path), "/var/lib/service/cache/%" PRIx64, *number);
			events[i].target = scene_path(scene, path);
		}
		++*number;
	}
}

/* Verdicts per second. Only the judging is timed; its bindings are made before. */
static double bench(struct policy *policy, const struct service *service, uint64_t verdicts)
{
	static struct item_event events[BATCH];
	struct outcome outcomes[POLICY_OUTCOMES];
	struct model *model = model_new();
	struct scene scene = {.feed = feed, .arg = model};
	uint64_t number = 0, allowed = 0;
	double spent_s = 0;
	feed_definitions(&scene, service);
	for (unsigned warm = 0; warm < 16; warm++) {
		make_events(&scene, false, &number, events);
		for (unsigned i = 0; i < BATCH; i++)
			policy_judge(policy, model, &events[i], outcomes);
	}
	for (uint64_t done = 0; done < verdicts; done += BATCH) {
		make_events(&scene, service->has_new_targets, &number, events);
		double start_s = cpu_s();
		for (unsigned i = 0; i < BATCH; i++) {
			policy_judge(policy, model, &events[i], outcomes);
			allowed += outcomes[0].kind == OUTCOME_ALLOWED;
		}
		spent_s += cpu_s() - start_s;
	}
	if (service->rules && allowed < verdicts)
		die("not everything is allowed: these rules do not fit the bench");
	model_free(model);
	return (double)verdicts / spent_s;
}

int main(int argc, char **argv)
{
	static const struct service services[] = {
		{"shipped policies, seen", false, false, LIBRARIES, 0},
		{"shipped policies, new", true, false, LIBRARIES, 0},
		{"10 rules, 10 objects, seen", false, false, 10, 10},
		{"10000 rules, 500 objects, seen", false, false, LIBRARIES_MAX, 10000},
		{"10 rules, 10 objects, new", true, false, 10, 10},
		{"10000 rules, 500 objects, new", true, false, LIBRARIES_MAX, 10000},
	};
	enum { SERVICES = sizeof(services) / sizeof(services[0]) };
	static double rates[SERVICES][ROUNDS], ratios[2][ROUNDS];
	uint64_t verdicts = argc > 2 ? strtoull(argv[2], NULL, 10) : 400000;
	if (argc < 2)
		die("usage: bench_verdict POLICIES [VERDICTS]");
	verdicts -= verdicts % BATCH;
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < SERVICES; i++) {
			struct policy *policy = load_policy(argv[1], &services[i]);
			rates[i][round] = bench(policy, &services[i], verdicts);
			policy_free(policy);
		}
		for (unsigned i = 0; i < 2; i++)
			ratios[i][round] = rates[2 + 2 * i][round] / rates[3 + 2 * i][round];
	}
	printf("%-34s %12s   %s\n", "policy_judge()", "verdicts/s", "min to max");
	for (unsigned i = 0; i < SERVICES; i++) {
		double *rate = rates[i];
		qsort(rate, ROUNDS, sizeof(*rate), number_compare);
		printf("%-34s %12.0f   %.0f to %.0f\n", services[i].name, rate[ROUNDS / 2],
		       rate[0], rate[ROUNDS - 1]);
	}
	for (unsigned i = 0; i < 2; i++) {
		qsort(ratios[i], ROUNDS, sizeof(**ratios), number_compare);
		printf("%-34s %12.2f   %.2f to %.2f\n",
		       i ? "many against few, new" : "many against few, seen",
		       ratios[i][ROUNDS / 2], ratios[i][0], ratios[i][ROUNDS - 1]);
	}
	return 0;
}
