/* SPDX-License-Identifier: Apache-2.0
 *
 * Explanations: who was skipped and why, what came near, and that what is proposed really turns the
 * event allowed, whatever the names are.
 */
#include "collector/policy/explain.h"
#include "test_policy_lab.h"

static const char policy_text[] =
	"grants: [{via: [getaddrinfo], file: {read: [/etc/hosts]}, reason: r}]\n"
	"guards: [{name: memory, exec: {inspect: any}, reason: looking},\n"
	"  {name: start-files, file: {write: [\"~/.bashrc\"], rename: [{from: \"**\", to: "
	"\"~/.bashrc\"}]}, reason: r}]\n"
	"profiles:\n"
	"  - {name: conduit, match: {library: libc.so.6}, role: conduit}\n"
	"  - {name: carrier, match: {library: libcarrier.so.1}, carries: [net.*], network: none}\n"
	"  - name: worker\n"
	"    match: {library: \"libworker*.so.1\"}\n"
	"    network: {connect: [{to: [10.0.0.0/8], ports: [443], proto: tcp}]}\n"
	"    file: {read: [{path: /old, expires: 2001-01-01}]}\n"
	"    exec: {run: [{program: ls, args: [\"-l\"]}]}\n"
	"    env: none\n"
	"  - {name: general, match: {library: \"libw*.so.1\"}, file: any}\n"
	"  - name: \"odd \\\"name\\\": {x}\"\n"
	"    match: {script: /s/boss.sh}\n"
	"    watch: descendants\n"
	"    exec: none\n";

struct scene {
	struct lab lab;
	uint32_t app, process, worker, carrier, libc, chain, direct; /* direct: nobody in between */
	struct explanation *explanation;
};

static void scene_open(struct scene *scene)
{
	lab_open(&scene->lab, policy_text);
	scene->app = lab_main(&scene->lab, "/opt/app", "");
	scene->process = lab_process(&scene->lab, 0, 0, scene->app, "/opt/app", "");
	scene->worker = lab_library(&scene->lab, "libworker.so.1");
	scene->carrier = lab_library(&scene->lab, "libcarrier.so.1");
	scene->libc = lab_library(&scene->lab, "libc.so.6");
	scene->chain = lab_chain(&scene->lab, scene->process, (int)scene->libc, (int)scene->carrier,
				 (int)scene->worker, (int)scene->app);
	scene->direct = lab_chain(&scene->lab, scene->process, (int)scene->worker, (int)scene->app);
	scene->explanation = NULL;
}

static const struct explanation *explain(struct scene *scene, uint32_t chain, unsigned action,
					 uint32_t target)
{
	struct item_event event = {.chain = chain,
				   .process = model_chain(scene->lab.model, chain)->process,
				   .target = target,
				   .action = (uint8_t)action,
				   .time_ns = 100};
	explanation_free(scene->explanation);
	assert_int_equal(
		policy_explain(scene->lab.policy, scene->lab.model, &event, &scene->explanation),
		0);
	return scene->explanation;
}

static void scene_close(struct scene *scene)
{
	explanation_free(scene->explanation);
	lab_close(&scene->lab);
}

static const struct explain_rule *rule_of(const struct explanation *explanation, const char *result)
{
	for (uint32_t i = 0; i < explanation->rule_count; i++)
		if (!strcmp(explanation->rules[i].result, result))
			return &explanation->rules[i];
	return NULL;
}

static void test_chain(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene);
	uint32_t peer = lab_peer(&scene.lab, "10.1.2.3", 80, PROTO_TCP);
	const struct explanation *got = explain(&scene, scene.chain, WIRE_NET_CONNECT, peer);
	assert_int_equal(got->link_count, 4);
	assert_string_equal(got->links[0].did, "skipped");
	assert_non_null(strstr(got->links[0].why, "conduit"));
	assert_string_equal(got->links[1].did, "skipped");
	assert_string_equal(got->links[1].ref.profile, "carrier");
	assert_non_null(strstr(got->links[1].why, "package libcarrier.so.1 owns the file"));
	assert_string_equal(got->links[2].did, "charged");
	assert_string_equal(got->links[3].did, "not reached");
	assert_int_equal(got->profile_count, 2);
	assert_true(got->profiles[0].answers);
	assert_string_equal(got->profiles[0].ref.profile, "worker");
	assert_false(got->profiles[1].answers);
	assert_non_null(strstr(got->profiles[1].why, "says nothing about network"));
	assert_non_null(strstr(rule_of(got, "near")->why, "the port is 80, not 443"));
	scene_close(&scene);
}

static void test_dropped(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene);
	uint32_t fake = lab_object_of(&scene.lab,
				      (struct item_object){.path = STR_LIT("/tmp/libcarrier.so.1"),
							   .soname = STR_LIT("libcarrier.so.1")});
	uint32_t chain =
		lab_chain(&scene.lab, scene.process, (int)fake, (int)scene.worker, (int)scene.app);
	uint32_t peer = lab_peer(&scene.lab, "10.1.2.3", 443, PROTO_TCP);
	const struct explanation *got = explain(&scene, chain, WIRE_NET_CONNECT, peer);
	assert_int_equal(got->outcomes[0].kind, OUTCOME_DEVIATES);
	assert_string_equal(got->links[0].did, "charged");
	assert_non_null(got->mend);
	scene_close(&scene);
}

static void test_near(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene);
	struct lab *lab = &scene.lab;
	const struct explanation *got =
		explain(&scene, scene.direct, WIRE_FILE_READ, lab_path(lab, "/etc/hosts"));
	assert_string_equal(rule_of(got, "near")->list, "grant");
	assert_non_null(strstr(rule_of(got, "near")->why, "only inside getaddrinfo"));
	got = explain(&scene, scene.direct, WIRE_FILE_READ, lab_path(lab, "/old"));
	assert_string_equal(rule_of(got, "near")->why, "it has expired");
	uint32_t program = lab_target(lab, (struct item_target){.kind = TARGET_PROGRAM,
								.path = STR_LIT("/usr/bin/ls"),
								.asked = STR_LIT("ls"),
								.argv = {"ls\0-a", 6}});
	got = explain(&scene, scene.direct, WIRE_EXEC_RUN, program);
	assert_string_equal(rule_of(got, "near")->why, "the arguments are others");
	got = explain(&scene, scene.direct, WIRE_FILE_READ,
		      lab_target(lab, (struct item_target){.kind = TARGET_PATH,
							   .path = STR_LIT("/new"),
							   .asked = STR_LIT("/etc/../old")}));
	assert_int_equal(got->outcomes[0].kind, OUTCOME_DEVIATES);
	scene_close(&scene);
}

/* What is proposed is loaded on top by the explanation itself; here it is done once more. */
static void expect_mend(struct scene *scene, uint32_t chain, unsigned action, uint32_t target)
{
	const struct explanation *got = explain(scene, chain, action, target);
	if (!got->mend)
		fail_msg("nothing to add for action %u, target %u: %s", action, target,
			 got->mend_problem ? got->mend_problem : "no problem");
	const struct policy_text *texts;
	struct policy_text all[3] = {{0},
				     {(char *)"", (char *)"", 0},
				     {(char *)"mend.yaml", (char *)got->mend, strlen(got->mend)}};
	char *errors = NULL;
	struct outcome outcomes[POLICY_OUTCOMES];
	assert_int_equal(policy_texts(scene->lab.policy, &texts), 1);
	all[0] = texts[0];
	struct policy *mended = lab_load(all, 3, NULL, &errors);
	if (!mended)
		fail_msg("%s\n%s", got->mend, errors);
	free(errors);
	struct item_event event = {.chain = chain,
				   .process = model_chain(scene->lab.model, chain)->process,
				   .target = target,
				   .action = (uint8_t)action,
				   .time_ns = 100};
	unsigned count = policy_judge(mended, scene->lab.model, &event, outcomes);
	for (unsigned i = 0; i < count; i++)
		assert_int_not_equal(outcomes[i].kind, OUTCOME_DEVIATES);
	policy_free(mended);
}

static void test_mends(void **state)
{
	(void)state;
	static const unsigned paths[] = {WIRE_FILE_WRITE, WIRE_FILE_DELETE, WIRE_FILE_MODE,
					 WIRE_FILE_LIST, WIRE_FILE_READ};
	static const char *const names[] = {"/a",
					    "/a b/c",
					    "/home/u/x",
					    "/x*y?[z]",
					    "/q\"q\\q",
					    "/a\nb\tc",
					    "/\xff\xfe",
					    "/b{a,b}",
					    "/${HOME}/x",
					    "/é/ü",
					    "/a: b # c",
					    "/memfd:x",
					    "/a (deleted)",
					    "/home/u/[*]",
					    "/proc/1001/maps",
					    "/\xe2\x80\xae/x",
					    "/'",
					    "/-",
					    "/~",
					    "/%s%n"};
	struct scene scene;
	scene_open(&scene);
	struct lab *lab = &scene.lab;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t a = 0; a < sizeof(paths) / sizeof(paths[0]); a++)
			expect_mend(&scene, scene.direct, paths[a], lab_path(lab, names[i]));
		expect_mend(&scene, scene.direct, WIRE_FILE_RENAME,
			    lab_target(lab, (struct item_target){.kind = TARGET_PATHS,
								 .path = lab_str(names[i]),
								 .asked = lab_str(names[i]),
								 .to = STR_LIT("/to[1]")}));
		struct item_target program = {.kind = TARGET_PROGRAM,
					      .path = lab_str(names[i]),
					      .asked = lab_str(names[i])};
		program.argv = (struct str){"x\0a*b\0\0{}\0~/x\0**", 17};
		expect_mend(&scene, scene.direct, WIRE_EXEC_RUN, lab_target(lab, program));
		expect_mend(&scene, scene.direct, WIRE_EXEC_LOAD,
			    lab_text(lab, TARGET_OBJECT, names[i]));
	}
	expect_mend(&scene, scene.chain, WIRE_NET_CONNECT,
		    lab_peer(lab, "10.1.2.3", 80, PROTO_TCP));
	expect_mend(&scene, scene.chain, WIRE_NET_CONNECT,
		    lab_peer(lab, "2001:db8::1", 80, PROTO_TCP));
	expect_mend(&scene, scene.chain, WIRE_NET_SEND, lab_peer(lab, "8.8.8.8", 53, PROTO_UDP));
	expect_mend(&scene, scene.chain, WIRE_NET_BIND, lab_peer(lab, "0.0.0.0", 80, PROTO_TCP));
	expect_mend(&scene, scene.chain, WIRE_NET_ACCEPT, lab_peer(lab, "1.2.3.4", 4, PROTO_TCP));
	expect_mend(&scene, scene.chain, WIRE_NET_CONNECT, lab_text(lab, TARGET_UNIX, "/run/x[1]"));
	expect_mend(&scene, scene.chain, WIRE_NET_CONNECT, lab_text(lab, TARGET_UNIX, "@x\n"));
	expect_mend(&scene, scene.chain, WIRE_NET_RESOLVE,
		    lab_text(lab, TARGET_NAME, "Ex.example"));
	expect_mend(&scene, scene.direct, WIRE_ENV_READ, lab_text(lab, TARGET_VARIABLE, "A*"));
	expect_mend(&scene, scene.direct, WIRE_EXEC_CODE,
		    lab_target(lab, (struct item_target){.kind = TARGET_MEMORY, .number = 4096}));
	scene_close(&scene);
}

/* Guards, with the profile's own answer or without, for those whom a package owns and others. */
static void test_guards(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene);
	struct lab *lab = &scene.lab;
	uint32_t other = lab_target(lab, (struct item_target){.kind = TARGET_PROCESS, .number = 1});
	expect_mend(&scene, scene.direct, WIRE_EXEC_INSPECT, other);
	expect_mend(&scene, scene.direct, WIRE_FILE_WRITE, lab_path(lab, "/home/u/.bashrc"));
	uint32_t loose = lab_object_of(
		lab, (struct item_object){.path = STR_LIT("/tmp/a [x]/libworker2.so.1"),
					  .soname = STR_LIT("libworker2.so.1")});
	uint32_t chain = lab_chain(lab, scene.process, (int)loose, (int)scene.app);
	expect_mend(&scene, chain, WIRE_EXEC_INSPECT, other);
	uint32_t bare = lab_chain(lab, scene.process, (int)scene.app);
	expect_mend(&scene, bare, WIRE_EXEC_INSPECT, other);
	scene_close(&scene);
}

/* A watcher's rule goes to the watcher, whose name is what it is. */
static void test_watcher(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene);
	struct lab *lab = &scene.lab;
	uint32_t shell = lab_main(lab, "/usr/bin/sh", "dash");
	uint32_t parent = lab_process(lab, 0, 0, shell, "/usr/bin/sh", "/s/boss.sh");
	uint32_t origin = lab_chain(lab, parent, (int)shell);
	uint32_t child = lab_process(lab, parent, origin, scene.app, "/opt/app", "");
	uint32_t chain = lab_chain(lab, child, (int)scene.worker, (int)scene.app);
	uint32_t program = lab_target(lab, (struct item_target){.kind = TARGET_PROGRAM,
								.path = STR_LIT("/usr/bin/env"),
								.asked = STR_LIT("env"),
								.argv = {"env", 4}});
	expect_mend(&scene, chain, WIRE_EXEC_RUN, program);
	assert_non_null(strstr(scene.explanation->mend, "odd \\\"name\\\": {x}"));
	scene_close(&scene);
}

static void test_allowed(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene);
	uint32_t peer = lab_peer(&scene.lab, "10.1.2.3", 443, PROTO_TCP);
	const struct explanation *got = explain(&scene, scene.chain, WIRE_NET_CONNECT, peer);
	assert_int_equal(got->outcomes[0].kind, OUTCOME_ALLOWED);
	assert_null(got->mend);
	assert_null(got->mend_problem);
	assert_string_equal(rule_of(got, "decides")->ref.profile, "worker");
	/* The subjects know this policy still, not one that is gone. */
	assert_true(policy_is_conduit(
		model_chain(scene.lab.model, scene.chain)->links[0].subject->binding));
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),	cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_near),	cmocka_unit_test(test_mends),
		cmocka_unit_test(test_guards),	cmocka_unit_test(test_watcher),
		cmocka_unit_test(test_allowed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
