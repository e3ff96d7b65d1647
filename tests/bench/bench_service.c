/* SPDX-License-Identifier: Apache-2.0
 *
 * See bench_service.h.
 */
#include "bench_service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t state = 1;

uint32_t draw(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((state >> 33) % below);
}

double now_s(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
	exit(1);
}

int number_compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return a < b ? -1 : a > b;
}

void feed_definitions(struct scene *scene, const struct service *service)
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

struct policy *load_policy(const char *policies, const struct service *service)
{
	char own[] = "/tmp/bench-policy-XXXXXX.yaml";
	struct policy_options options = {.errors = stderr};
	const char *paths[] = {policies, own};
	struct policy *policy;
	int fd = mkstemps(own, 5);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
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

