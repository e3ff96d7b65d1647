/* SPDX-License-Identifier: Apache-2.0
 *
 * The services that bench_pipeline and bench_verdict measure with, and their policies.
 */
#ifndef SOWATCH_BENCH_SERVICE_H
#define SOWATCH_BENCH_SERVICE_H

#include "collector/policy/policy.h"
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

uint32_t draw(uint32_t below);
double now_s(void);
void die(const char *what) __attribute__((noreturn));
int number_compare(const void *left, const void *right);

void feed_definitions(struct scene *scene, const struct service *service);
/* The shipped policies and one that allows every libtold nothing; or the service's own rules. */
struct policy *load_policy(const char *policies, const struct service *service);

#endif
