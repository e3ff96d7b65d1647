/* SPDX-License-Identifier: Apache-2.0
 *
 * Learning from made logs: what is learned, what is left out, and for any behaviour: with the learned
 * profiles nothing deviates that was not flagged before, and what was flagged still is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/learn/learn.h"
#include "collector/log/log.h"
#include "made.h"
#include "scene.h"

#define SECOND 1000000000ull
#define LOGS_MAX 8u

static const char policy_text[] =
	"version: 1\n"
	"grants:\n"
	"  - file: {read: [\"/usr/share/locale/**\"]}\n"
	"guards:\n"
	"  - {name: secrets, file: {read: [/etc/shadow]}, reason: reading secrets}\n"
	"profiles:\n"
	"  - {name: libc, match: {library: \"libc.so*\"}, role: conduit}\n"
	"  - {name: carrier, match: {library: carrier.so}, carries: [net.*], file: none}\n"
	"  - {name: strict, match: {library: strict.so}, file: {read: [/etc/strict]}, exec: none}\n"
	"  - {name: tool, match: {executable: tool}, file: {read: [/etc/tool]}}\n";

/* One made service: app calls library `free` (a package's), `own.so` (nobody's), carrier and strict
 * through libc, and starts two programs: tool has a profile, other has none. */
struct service {
	struct scene scene;
	struct log_writer *log;
	char path[64];
	uint32_t process, children[2], chains[8];
	uint64_t now_ns;
};

enum { APP, FREE, OWN, CARRIER, STRICT, TOOL, OTHER };

static int append(void *arg, const struct item *item)
{
	return log_append(((struct service *)arg)->log, item);
}

static uint32_t packaged(struct scene *scene, const char *path, const char *soname, bool is_main)
{
	return scene_object(scene, (struct item_object){.path = scene_str(path),
							.soname = scene_str(soname),
							.is_main = is_main,
							.build_id = STR_LIT("cc"),
							.package = STR_LIT("pkg"),
							.package_version = STR_LIT("1.0")});
}

static void service_open(struct service *service, const char *directory, unsigned number)
{
	struct scene *scene = &service->scene;
	*service = (struct service){.now_ns = 2 * SECOND};
	snprintf(service->path, sizeof(service->path), "%s/%u.swl", directory, number);
	assert_int_equal(log_create(service->path, &service->log), 0);
	*scene = (struct scene){.feed = append, .arg = service};
	struct item run = {.type = ITEM_RUN};
	char id[16];
	snprintf(id, sizeof(id), "run%u", number);
	run.run = (struct item_run){.host = STR_LIT("host"),
				    .service = STR_LIT("shop"),
				    .run_id = scene_str(id),
				    .realtime_ns = 1790000000 * SECOND + number * 3600 * SECOND,
				    .monotonic_ns = SECOND,
				    .vantage = STR_LIT("both")};
	append(service, &run);
	uint32_t libc = packaged(scene, "/lib/libc.so.6", "libc.so.6", false);
	uint32_t app = scene_main_object(scene, "/opt/app");
	uint32_t objects[] = {app,
			      packaged(scene, "/lib/free.so", "free.so", false),
			      scene_library(scene, "/opt/own.so", "own.so"),
			      packaged(scene, "/lib/carrier.so", "carrier.so", false),
			      packaged(scene, "/lib/strict.so", "strict.so", false),
			      packaged(scene, "/usr/bin/tool", "", true),
			      scene_main_object(scene, "/usr/bin/other")};
	service->process = scene_process(
		scene, (struct item_process){.how = PROCESS_ROOT,
					     .exe = STR_LIT("/opt/app"),
					     .argv = {"app", 4},
					     .pid = 5000 + number,
					     .home = STR_LIT("/home/me"),
					     .exe_object = app});
	for (unsigned i = APP; i <= STRICT; i++) {
		uint32_t frames[] = {libc, objects[i], app};
		uint32_t stack = scene_stack(scene, 0, i == APP ? 2 : 3, frames);
		service->chains[i] = scene_chain(scene, service->process, stack, 0);
	}
	for (unsigned i = TOOL; i <= OTHER; i++) {
		service->children[i - TOOL] = scene_process(
			scene,
			(struct item_process){.how = PROCESS_EXEC,
					      .parent = service->process,
					      .origin_chain = service->chains[STRICT],
					      .exe = scene_str(i == TOOL ? "/usr/bin/tool"
									 : "/usr/bin/other"),
					      .exe_object = objects[i]});
		uint32_t frames[] = {libc, objects[i]};
		service->chains[i] = scene_chain(scene, service->children[i - TOOL],
						 scene_stack(scene, 0, 2, frames), 0);
	}
}

static void service_act(struct service *service, unsigned who, uint8_t action, uint32_t target)
{
	uint32_t process = who >= TOOL ? service->children[who - TOOL] : service->process;
	scene_event(&service->scene, action, process, service->chains[who], target,
		    service->now_ns += SECOND);
}

static void service_read(struct service *service, unsigned who, const char *path)
{
	service_act(service, who, WIRE_FILE_READ, scene_path(&service->scene, path));
}

static void service_close(struct service *service)
{
	scene_end(&service->scene, service->now_ns);
	assert_int_equal(log_close(service->log), 0);
}

/* --- learning ---------------------------------------------------------------------------------- */

struct lab {
	char directory[32];
	struct service services[LOGS_MAX];
	unsigned count;
	struct policy *policy;
	struct pool pool;
	jmp_buf escape;
	struct learned learned;
	char *yaml; /* all profiles, one file after the other */
};

static struct service *lab_service(struct lab *lab)
{
	struct service *service = &lab->services[lab->count];
	service_open(service, lab->directory, lab->count++);
	return service;
}

static void lab_open(struct lab *lab)
{
	struct policy_text text = {(char *)"base.yaml", (char *)policy_text, strlen(policy_text)};
	struct policy_options options = {.errors = stderr};
	memset(lab, 0, sizeof(*lab));
	strcpy(lab->directory, "/tmp/sowatch-learn.XXXXXX");
	assert_non_null(mkdtemp(lab->directory));
	assert_int_equal(policy_load_texts(&text, 1, &options, &lab->policy), 0);
	lab->pool.escape = &lab->escape;
}

static void lab_forget(struct lab *lab)
{
	pool_done(&lab->pool);
	free(lab->yaml);
	lab->yaml = NULL;
}

static void lab_close(struct lab *lab)
{
	lab_forget(lab);
	for (unsigned i = 0; i < lab->count; i++)
		unlink(lab->services[i].path);
	rmdir(lab->directory);
	policy_free(lab->policy);
}

static void warn_nothing(void *arg, const char *sentence)
{
	(void)arg;
	(void)sentence;
}

static void lab_learn_with(struct lab *lab, bool is_turned, bool only_acting)
{
	const char *logs[LOGS_MAX];
	struct learn_options options = {.logs = logs,
					.log_count = lab->count,
					.policy = lab->policy,
					.only_acting = only_acting,
					.errors = stderr,
					.warn = warn_nothing};
	struct text all = {0}, one = {0};
	for (unsigned i = 0; i < lab->count; i++)
		logs[is_turned ? lab->count - 1 - i : i] = lab->services[i].path;
	if (setjmp(lab->escape))
		fail_msg("out of memory");
	assert_int_equal(learn_logs(&lab->pool, &options, &lab->learned), 0);
	text_clear(&all);
	for (uint32_t i = 0; i < lab->learned.profile_count; i++) {
		learn_write_yaml(&lab->learned, &lab->learned.profiles[i], &one);
		text_add(&all, one.data);
		char *evidence = learn_write_evidence(&lab->learned, &lab->learned.profiles[i],
						       one.data);
		assert_non_null(evidence);
		text_add(&all, "\n# ");
		for (char *c = evidence; *c; c++) /* as comments, to be compared with the rest */
			text_addf(&all, *c == '\n' ? "\n# " : "%c", *c);
		text_add(&all, "\n");
		free(evidence);
	}
	text_done(&one);
	lab->yaml = all.data;
}

/* is_turned: the logs the other way round. */
static void lab_learn(struct lab *lab, bool is_turned)
{
	lab_learn_with(lab, is_turned, false);
}

static const struct learn_profile *lab_profile(const struct lab *lab, const char *name)
{
	for (uint32_t i = 0; i < lab->learned.profile_count; i++)
		if (!strcmp(lab->learned.profiles[i].subject->name, name))
			return &lab->learned.profiles[i];
	return NULL;
}

static void expect_in(const struct lab *lab, const char *text)
{
	if (!strstr(lab->yaml, text))
		fail_msg("\"%s\" is not in\n%s", text, lab->yaml);
}

static void expect_not_in(const struct lab *lab, const char *text)
{
	if (strstr(lab->yaml, text))
		fail_msg("\"%s\" is in\n%s", text, lab->yaml);
}

/* --- trying ------------------------------------------------------------------------------------ */

struct trial {
	unsigned flagged, added, hidden;
};

static int try_event(void *arg, struct read_log *log, struct policy *policy,
		     const struct item_event *event)
{
	struct trial *trial = arg;
	struct outcome outcomes[POLICY_OUTCOMES];
	bool deviates[2] = {false, false};
	for (unsigned with = 0; with < 2; with++) {
		unsigned count = policy_judge(with ? log->with : policy, log->model, event, outcomes);
		for (unsigned i = 0; i < count; i++)
			deviates[with] |= outcomes[i].kind == OUTCOME_DEVIATES;
	}
	trial->flagged += deviates[0];
	trial->added += !deviates[0] && deviates[1];
	trial->hidden += deviates[0] && !deviates[1];
	return 0;
}

/* The learned profiles in one file, as they would lie in a directory. */
static char *joined_profiles(const struct lab *lab)
{
	struct text all = {0}, one = {0};
	text_clear(&all);
	text_add(&all, "version: 1\nprofiles:\n");
	for (uint32_t i = 0; i < lab->learned.profile_count; i++) {
		learn_write_yaml(&lab->learned, &lab->learned.profiles[i], &one);
		text_add(&all, strstr(one.data, "profiles:\n") + strlen("profiles:\n"));
	}
	text_done(&one);
	return all.data;
}

static struct trial lab_try(struct lab *lab)
{
	struct trial trial = {0};
	struct read_policy given;
	char *text = joined_profiles(lab), error[256];
	struct read_options options = {.given = &given,
				       .extra = lab->learned.profile_count ? text
									   : "version: 1\n",
				       .extra_path = "all.yaml",
				       .errors = stderr,
				       .event = try_event,
				       .arg = &trial};
	struct facts facts = {.pool = &lab->pool};
	read_policy_of(&lab->pool, lab->policy, &given);
	for (unsigned i = 0; i < lab->count; i++)
		assert_int_equal(read_log(&facts, lab->services[i].path, &options, error,
					  sizeof(error)),
				 0);
	free(text);
	return trial;
}

static void expect_trial(struct lab *lab, unsigned flagged)
{
	struct trial trial = lab_try(lab);
	assert_int_equal(trial.added, 0);
	assert_int_equal(trial.hidden, 0);
	assert_int_equal(trial.flagged, flagged);
}

/* --- tests ------------------------------------------------------------------------------------- */

static void test_learns_what_has_no_profile(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab);
	struct service *service = lab_service(&lab);
	service_read(service, FREE, "/etc/free.conf");
	service_read(service, FREE, "/usr/share/locale/de/x.mo"); /* granted */
	service_read(service, FREE, "/lib/free.so");		  /* its own */
	service_read(service, OWN, "/home/me/own.conf");
	service_read(service, STRICT, "/etc/strict"); /* allowed by hand */
	service_act(service, FREE, WIRE_NET_CONNECT, scene_peer(&service->scene, "10.0.0.1", 5432));
	service_close(service);
	lab_learn(&lab, false);
	assert_non_null(lab_profile(&lab, "free.so"));
	assert_null(lab_profile(&lab, "strict.so"));
	assert_null(lab_profile(&lab, "libc.so.6"));
	expect_in(&lab, "match: {library: free.so, package: pkg}");
	expect_in(&lab, "match: {library: /opt/own.so}");
	expect_in(&lab, "path: /etc/free.conf}");
	expect_in(&lab, "path: \"~/own.conf\"}");
	expect_in(&lab, "to: [10.0.0.1], ports: [5432], proto: tcp}");
	expect_in(&lab, "exec: none");
	expect_not_in(&lab, "locale");
	expect_not_in(&lab, "path: /lib/free.so");
	expect_not_in(&lab, "carries");
	expect_not_in(&lab, "env:"); /* never watched */
	expect_trial(&lab, 0);
	lab_close(&lab);
}

/* A distribution that was imported, a library that was on stacks: neither was ever charged. */
static void test_closes_who_did_nothing(void **state)
{
	(void)state;
	struct lab lab;
	char *learned;
	lab_open(&lab);
	struct service *service = lab_service(&lab);
	scene_object(&service->scene, (struct item_object){.kind = OBJECT_PYTHON,
							   .path = STR_LIT("/s/ctx-1.dist-info"),
							   .root = STR_LIT("/s/ctx-1.dist-info"),
							   .soname = STR_LIT("ctx"),
							   .package = STR_LIT("ctx"),
							   .package_version = STR_LIT("1")});
	service_read(service, FREE, "/etc/free.conf");
	service_close(service);
	lab_learn(&lab, false);
	assert_non_null(lab_profile(&lab, "ctx"));
	assert_int_equal(lab_profile(&lab, "ctx")->rules.count, 0);
	assert_int_equal(lab_profile(&lab, "own.so")->rules.count, 0);
	assert_null(lab_profile(&lab, "libc.so.6")); /* passes everything on */
	assert_null(lab_profile(&lab, "strict.so"));
	assert_null(lab_profile(&lab, "app")); /* a program is started for what it does */
	assert_null(lab_profile(&lab, "other"));
	expect_in(&lab, "match: {python: ctx}\n    network: none\n    file: none\n    exec: none\n");
	expect_in(&lab, "# Not complete: it was there, and did nothing");
	expect_trial(&lab, 0);
	learned = strdup(lab.yaml);
	lab_forget(&lab);
	lab_learn(&lab, true);
	assert_string_equal(lab.yaml, learned);
	free(learned);
	lab_forget(&lab);
	lab_learn_with(&lab, false, true);
	assert_null(lab_profile(&lab, "ctx"));
	assert_null(lab_profile(&lab, "own.so"));
	assert_non_null(lab_profile(&lab, "free.so"));
	lab_close(&lab);
}

static void test_never_learns_what_is_flagged(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab);
	struct service *service = lab_service(&lab);
	service_read(service, FREE, "/etc/free.conf");
	service_read(service, FREE, "/etc/shadow");    /* guard */
	service_read(service, STRICT, "/etc/passwd");  /* profile */
	service_read(service, TOOL, "/etc/elsewhere"); /* profile */
	service_close(service);
	lab_learn(&lab, false);
	assert_int_equal(lab.learned.left_out_count, 3);
	expect_not_in(&lab, "path: /etc/shadow");
	expect_in(&lab, "\"flagged_by\": \"guards: secrets (base.yaml:");
	assert_null(lab_profile(&lab, "strict.so"));
	expect_trial(&lab, 3);
	lab_close(&lab);
}

/* other has no profile: its acts are strict.so's, who started it. A profile for it would let it do what
 * strict.so may not. */
static void test_hides_nothing(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab);
	struct service *service = lab_service(&lab);
	service_read(service, OTHER, "/etc/passwd");
	/* The network strict.so's profile leaves open. */
	service_act(service, OTHER, WIRE_NET_CONNECT, scene_peer(&service->scene, "10.0.0.1", 80));
	service_close(service);
	lab_learn(&lab, false);
	expect_trial(&lab, 1);
	lab_close(&lab);
}

/* A family that a hand-written profile leaves open is learned; one that is carried is not. */
static void test_fills_open_families_only(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab);
	struct service *service = lab_service(&lab);
	service_act(service, TOOL, WIRE_NET_CONNECT, scene_peer(&service->scene, "10.0.0.1", 80));
	service_act(service, CARRIER, WIRE_NET_CONNECT, scene_peer(&service->scene, "10.0.0.2", 80));
	service_close(service);
	lab_learn(&lab, false);
	const struct learn_profile *tool = lab_profile(&lab, "tool");
	assert_non_null(tool);
	assert_int_equal(tool->families, 1 << LEARN_NETWORK);
	assert_null(lab_profile(&lab, "carrier.so"));
	assert_non_null(lab_profile(&lab, "app"));
	expect_in(&lab, "to: [10.0.0.2]");
	expect_trial(&lab, 0);
	lab_close(&lab);
}

static void test_addresses(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab);
	struct service *service = lab_service(&lab);
	struct scene *scene = &service->scene;
	static const char *const near[] = {"192.0.2.1", "192.0.2.7", "192.0.2.9", "198.51.100.4",
					   "198.51.100.5"};
	for (unsigned i = 0; i < 5; i++)
		service_act(service, FREE, WIRE_NET_CONNECT, scene_peer(scene, near[i], 443));
	scene_name(scene, service->process, "203.0.113.1", "DB.example.org");
	scene_name(scene, service->process, "203.0.113.2", "db.example.org.");
	service_act(service, FREE, WIRE_NET_CONNECT, scene_peer(scene, "203.0.113.1", 5432));
	service_act(service, FREE, WIRE_NET_CONNECT, scene_peer(scene, "203.0.113.2", 5432));
	service_act(service, FREE, WIRE_NET_RESOLVE,
		    scene_target(scene, (struct item_target){.kind = TARGET_NAME,
							     .path = STR_LIT("db.example.org")}));
	service_act(service, OWN, WIRE_NET_BIND, scene_peer(scene, "127.0.0.1", 0));
	service_act(service, OWN, WIRE_NET_LISTEN, scene_peer(scene, "127.0.0.1", 40123));
	service_act(service, OWN, WIRE_NET_BIND, scene_peer(scene, "0.0.0.0", 8080));
	service_act(service, OWN, WIRE_NET_LISTEN, scene_peer(scene, "0.0.0.0", 8080));
	service_act(service, OWN, WIRE_NET_ACCEPT, scene_peer(scene, "192.0.2.44", 51234));
	service_close(service);
	lab_learn(&lab, false);
	expect_in(&lab, "to: [192.0.2.0/24], ports: [443]");
	expect_in(&lab, "to: [198.51.100.4], ports: [443]");
	expect_in(&lab, "to: [db.example.org], ports: [5432]");
	expect_in(&lab, "to: [localhost], ports: [0]");
	expect_in(&lab, "to: [0.0.0.0], ports: [8080]");
	expect_not_in(&lab, "resolve:");
	expect_not_in(&lab, "listen:");
	expect_not_in(&lab, "51234");
	expect_not_in(&lab, "203.0.113");
	expect_trial(&lab, 0);
	lab_close(&lab);
}

/* Which lines of `two` are not in `one`. */
static unsigned count_new_lines(const char *one, const char *two)
{
	unsigned count = 0;
	for (const char *at = two; *at; at = strchr(at, '\n') + 1) {
		char *line = strndup(at, strcspn(at, "\n") + 1);
		count += *line != '#' && !strstr(one, line);
		free(line);
	}
	return count;
}

static void test_more_logs_make_a_small_difference(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab);
	for (unsigned i = 0; i < 3; i++) {
		struct service *service = lab_service(&lab);
		char path[64];
		for (unsigned file = 0; file < 7; file++) {
			snprintf(path, sizeof(path), "/srv/data/%c", 'a' + file);
			service_read(service, FREE, path);
		}
		snprintf(path, sizeof(path), "/tmp/free.%u.lock", 5000 + i);
		service_read(service, FREE, path);
		service_close(service);
	}
	lab_learn(&lab, false);
	expect_in(&lab, "/tmp/free.*.lock");
	char *first = strdup(lab.yaml);
	lab_forget(&lab);
	struct service *service = lab_service(&lab);
	service_read(service, FREE, "/srv/data/a");
	service_read(service, FREE, "/srv/other");
	service_close(service);
	lab_learn(&lab, false);
	assert_int_equal(count_new_lines(first, lab.yaml), 1);
	assert_int_equal(count_new_lines(lab.yaml, first), 0);
	free(first);
	lab_close(&lab);
}

static void test_a_log_twice_counts_once(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab);
	struct service *service = lab_service(&lab);
	service_read(service, FREE, "/etc/free.conf");
	service_close(service);
	lab_learn(&lab, false);
	char *once = strdup(lab.yaml);
	lab_forget(&lab);
	lab.services[1] = lab.services[0];
	lab.count = 2;
	lab_learn(&lab, false);
	assert_string_equal(once, lab.yaml);
	lab.count = 1;
	free(once);
	lab_close(&lab);
}

static void test_many_files_of_a_directory(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab);
	struct service *service = lab_service(&lab);
	char path[64];
	for (unsigned i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/srv/www/page%c.html", 'a' + i);
		service_read(service, FREE, path);
		snprintf(path, sizeof(path), "/etc/%c.conf", 'a' + i);
		service_read(service, FREE, path);
		snprintf(path, sizeof(path), "/home/me/.ssh/%c.pub", 'a' + i);
		service_read(service, FREE, path);
	}
	service_close(service);
	lab_learn(&lab, false);
	expect_in(&lab, "path: \"/srv/www/*.html\"");
	expect_not_in(&lab, "path: \"/etc/*");
	expect_not_in(&lab, ".ssh/*");
	expect_not_in(&lab, "**");
	expect_trial(&lab, 0);
	lab_close(&lab);
}

/* --- any behaviour ----------------------------------------------------------------------------- */

static uint32_t make_target(struct scene *scene, struct random *random, uint8_t *ret_action)
{
	static const char *const paths[] = {
		"/etc/shadow", "/etc/strict", "/etc/tool", "/etc/passwd", "/tmp/x.a1B2c3",
		"/tmp/x.Zz9xY0", "/tmp/tmpq8w2e9zz", "/srv/a b", "/srv/\"q\"", "/srv/*[x]?",
		"/srv/\n\x1b[1m", "/srv/\xff\xfe", "/srv/{a,b}", "/srv/${HOME}", "/home/me/.netrc",
		"/proc/5000/stat", "/proc/5001/maps", "/memfd:x (deleted)", "/srv/gone (deleted)",
		"/srv/é", "/srv/\xe2\x80\xae.txt", "/srv/#x: y", "/srv/- z", "/opt/own.so",
		"/srv/0123456789abcdef0123", "/srv/9876543210fedcba9876", "relative", "/srv/@x"};
	static const char *const peers[] = {"127.0.0.1", "127.0.0.66", "10.0.0.1", "10.0.0.2",
					    "10.0.0.3", "::1", "2001:db8::1"};
	static const char *const names[] = {"a.example", "B.example.", "127.0.0.1", "x_y.z",
					    "we ird", "localhost"};
	static const char *const argvs[] = {"p\0", "p\0-c\0echo hi\0", "p\0**\0", "p\0a*b\0",
					    "p\0\0", "p\0--t=<redacted:00112233>\0"};
	static const uint32_t lengths[] = {2, 13, 5, 6, 3, 26};
	const char *path = paths[random_next(random) % (sizeof(paths) / sizeof(paths[0]))];
	uint64_t pick = random_next(random) % 10;
	if (pick < 5) {
		*ret_action = (uint8_t)(WIRE_FILE_READ + random_next(random) % 7);
		if (*ret_action == WIRE_FILE_RENAME || *ret_action == WIRE_FILE_LINK)
			return scene_target(scene, (struct item_target){.kind = TARGET_PATHS,
									.path = scene_str(path),
									.to = scene_str("/srv/to")});
		return scene_path(scene, path);
	}
	if (pick < 7) {
		*ret_action = (uint8_t)(WIRE_NET_CONNECT + random_next(random) % 5);
		if (random_next(random) % 4 == 0)
			return scene_target(scene, (struct item_target){
							   .kind = TARGET_UNIX,
							   .path = scene_str(random_next(random) & 1
										     ? "/run/x.sock"
										     : "@abs*tract")});
		return scene_peer(scene, peers[random_next(random) % 7],
				  (uint16_t)(random_next(random) % 3 ? 443
								     : random_next(random)));
	}
	if (pick == 7) {
		*ret_action = random_next(random) & 1 ? WIRE_NET_RESOLVE : WIRE_ENV_READ;
		return scene_target(scene,
				    (struct item_target){.kind = *ret_action == WIRE_ENV_READ
								     ? TARGET_VARIABLE
								     : TARGET_NAME,
							 .path = scene_str(
								 names[random_next(random) % 6])});
	}
	if (pick == 8) {
		uint64_t argv = random_next(random) % 6;
		*ret_action = WIRE_EXEC_RUN;
		return scene_target(scene, (struct item_target){.kind = TARGET_PROGRAM,
								.path = scene_str(path),
								.asked = scene_str(path),
								.argv = {argvs[argv],
									 lengths[argv]}});
	}
	*ret_action = random_next(random) & 1 ? WIRE_EXEC_LOAD : WIRE_EXEC_CODE;
	return scene_target(scene, (struct item_target){.kind = *ret_action == WIRE_EXEC_LOAD
									? TARGET_OBJECT
									: TARGET_MEMORY,
							.path = scene_str(path),
							.number = 4096});
}

static void test_any_behaviour_learned_is_allowed(void **state)
{
	(void)state;
	struct random random = {4711};
	for (unsigned round = 0; round < 40; round++) {
		struct lab lab;
		lab_open(&lab);
		for (uint64_t logs = 1 + random_next(&random) % 3; logs; logs--) {
			struct service *service = lab_service(&lab);
			for (uint64_t events = random_next(&random) % 80; events; events--) {
				uint8_t action;
				uint32_t target = make_target(&service->scene, &random, &action);
				service_act(service, (unsigned)(random_next(&random) % 7), action,
					    target);
			}
			service_close(service);
		}
		lab_learn(&lab, false);
		struct trial trial = lab_try(&lab);
		uint32_t unsaid = 0;
		for (uint32_t i = 0; i < lab.learned.facts.count; i++) {
			const struct fact *fact = lab.learned.facts.facts[i];
			if (fact->remark && !strcmp(fact->remark, "no rule can name it"))
				unsaid += (uint32_t)fact->count;
		}
		assert_true(trial.added <= unsaid);
		assert_int_equal(trial.hidden, 0);
		char *forward = strdup(lab.yaml);
		lab_forget(&lab);
		lab_learn(&lab, true);
		assert_string_equal(forward, lab.yaml);
		free(forward);
		lab_close(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learns_what_has_no_profile),
		cmocka_unit_test(test_never_learns_what_is_flagged),
		cmocka_unit_test(test_hides_nothing),
		cmocka_unit_test(test_closes_who_did_nothing),
		cmocka_unit_test(test_fills_open_families_only),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_more_logs_make_a_small_difference),
		cmocka_unit_test(test_a_log_twice_counts_once),
		cmocka_unit_test(test_many_files_of_a_directory),
		cmocka_unit_test(test_any_behaviour_learned_is_allowed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
