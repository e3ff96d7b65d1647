/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of the language one by one: what they mean to a verdict.
 */
#include "collector/policy/policy_inner.h"
#include "test_policy_lab.h"

/* --- match ------------------------------------------------------------------------------------- */

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA_UPPER "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA_OTHER "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char match_text[] =
	"profiles:\n"
	"  - {name: digest, match: {sha256: " SHA_UPPER "}, file: none, carries: [net.*]}\n"
	"  - {name: build, match: {library: libx.so, build-id: aabbccdd}, file: none}\n"
	"  - {name: path, match: {library: /opt/libx.so}, file: none}\n"
	"  - {name: old, match: {package: libx1, version: \">=3.0 <3.0.9\"}, file: none}\n"
	"  - {name: narrow, match: {package: libx1, version: \">=3.0 <3.0.9 !=3.0.7\"}, file: none}\n"
	"  - {name: name, match: {library: libx.so}, file: none}\n"
	"  - {name: vulnerable, match: {python: Redis, version: \">=4.2 <4.5.4\"}, file: none}\n"
	"  - {name: redis, match: {python: redis}, file: none, carries: [net.*]}\n"
	"  - {name: dotted, match: {python: \"my_.pkg-[a-b]*\"}, file: none}\n"
	"  - {name: any-of, match: [{package: py-x, version: \"<2\"}], file: none}\n"
	"  - {name: fetched, match: {origin: \"*codecov.io:443\"}, file: none}\n"
	"  - {name: both, match: {script: up.sh, origin: \"*\"}, exec: none}\n";

struct found {
	struct lab *lab;
	uint32_t id;
};

/* The profile that answers for files of a subject, or "none". */
static const char *found(struct found *found, struct subject subject)
{
	const char *const empty = "";
	subject.id = ++found->id;
	subject.name = subject.name ? subject.name : (char *)empty;
	subject.path = subject.path ? subject.path : (char *)empty;
	subject.build_id = subject.build_id ? subject.build_id : (char *)empty;
	subject.package = subject.package ? subject.package : (char *)empty;
	const struct policy_binding *binding =
		policy_binding_of(found->lab->policy, &subject);
	return binding->primary ? binding->primary->name : "none";
}

static void test_match(void **state)
{
	struct lab lab;
	(void)state;
	lab_open(&lab, match_text);
	struct found f = {&lab, 0};
	struct subject x = {.kind = SUBJECT_LIBRARY,
			    .name = (char *)"libx.so",
			    .path = (char *)"/opt/libx.so",
			    .package = (char *)"libx1",
			    .package_version = (char *)"3.0.8-1",
			    .build_id = (char *)"aabbccdd",
			    .sha256 = (char *)SHA};
	assert_string_equal(found(&f, x), "digest");
	x.sha256 = (char *)SHA_OTHER;
	assert_string_equal(found(&f, x), "build");
	x.sha256 = NULL; /* not taken */
	assert_string_equal(found(&f, x), "build");
	x.build_id = (char *)"aabbccde";
	assert_string_equal(found(&f, x), "path");
	x.path = (char *)"/usr/lib/libx.so";
	assert_string_equal(found(&f, x), "narrow");
	x.package_version = (char *)"3.0.7-2";
	assert_string_equal(found(&f, x), "narrow"); /* 3.0.7-2 is not 3.0.7 */
	x.package_version = (char *)"3.0.7";
	assert_string_equal(found(&f, x), "old");
	x.package_version = (char *)"3.0.9";
	assert_string_equal(found(&f, x), "name");
	x.package_version = (char *)"";
	assert_string_equal(found(&f, x), "name");
	x.name = (char *)"liby.so";
	assert_string_equal(found(&f, x), "none");
	assert_true(policy_wants_digests(lab.policy));
	lab_close(&lab);
}

static void test_match_python(void **state)
{
	struct lab lab;
	(void)state;
	lab_open(&lab, match_text);
	struct found f = {&lab, 0};
	struct subject p = {.kind = SUBJECT_PYTHON,
			    .name = (char *)"redis",
			    .package_version = (char *)"4.5.3"};
	assert_string_equal(found(&f, p), "vulnerable");
	p.package_version = (char *)"4.5.4";
	assert_string_equal(found(&f, p), "redis");
	p.package_version = (char *)"4.2.0rc1"; /* dpkg would put it behind 4.2 */
	assert_string_equal(found(&f, p), "redis");
	p.package_version = (char *)"not a version";
	assert_string_equal(found(&f, p), "redis");
	p.name = (char *)"my-pkg-abc";
	assert_string_equal(found(&f, p), "dotted");
	p.name = (char *)"my-pkg-c";
	assert_string_equal(found(&f, p), "none");
	/* `package` beside it is asked of a distribution's owner, its version by PEP 440. */
	p.package = (char *)"py-x";
	p.package_version = (char *)"2.0a1";
	assert_string_equal(found(&f, p), "none");
	p.package_version = (char *)"1.9";
	assert_string_equal(found(&f, p), "any-of");
	/* A library of that name is no distribution. */
	p = (struct subject){.kind = SUBJECT_LIBRARY, .name = (char *)"redis"};
	assert_string_equal(found(&f, p), "none");
	lab_close(&lab);
}

static void test_match_origin(void **state)
{
	struct lab lab;
	(void)state;
	lab_open(&lab, match_text);
	struct found f = {&lab, 0};
	struct subject s = {.kind = SUBJECT_SCRIPT,
			    .name = (char *)"up.sh",
			    .path = (char *)"/dev/fd/63",
			    .origin = (char *)"fetched from codecov.io:443"};
	assert_string_equal(found(&f, s), "fetched");
	s.origin = (char *)"fetched from example.org:443";
	assert_string_equal(found(&f, s), "both");
	s.origin = (char *)"";
	assert_string_equal(found(&f, s), "none");
	lab_close(&lab);
}

/* A digest is as good as a package; a name and an origin are anybody's. */
static void test_trust(void **state)
{
	struct lab lab;
	(void)state;
	lab_open(&lab, match_text);
	struct subject x = {.id = 1,
			    .kind = SUBJECT_LIBRARY,
			    .name = (char *)"libx.so",
			    .path = (char *)"/tmp/libx.so",
			    .build_id = (char *)"",
			    .package = (char *)"",
			    .package_version = (char *)"",
			    .sha256 = (char *)SHA};
	assert_true(policy_binding_of(lab.policy, &x)->carries >> WIRE_NET_CONNECT & 1);
	struct subject redis = {.id = 2,
				.kind = SUBJECT_PYTHON,
				.name = (char *)"redis",
				.path = (char *)"/tmp/redis-5.0.dist-info",
				.build_id = (char *)"",
				.package = (char *)"",
				.package_version = (char *)"5.0"};
	assert_false(policy_binding_of(lab.policy, &redis)->carries);
	assert_true(policy_binding_of(lab.policy, &redis)->denied >> WIRE_NET_CONNECT & 1);
	redis.id = 3;
	redis.package = (char *)"python3-redis";
	assert_true(policy_binding_of(lab.policy, &redis)->carries >> WIRE_NET_CONNECT & 1);
	lab_close(&lab);
}

/* What the log holds arrives at the subject: two files of one path are two subjects. */
static void test_digest_and_origin_from_items(void **state)
{
	struct lab lab;
	(void)state;
	lab_open(&lab, "profiles:\n"
		       "  - {name: lib, match: {library: libx.so, sha256: " SHA "}, file: none}\n"
		       "  - {name: tool, match: {executable: tool, sha256: " SHA "}, exec: none}\n"
		       "  - {name: up, match: {origin: \"evil:80\", sha256: " SHA "}, network: none}\n");
	uint32_t good = lab_object_of(
		&lab, (struct item_object){.path = STR_LIT("/l/libx.so"), .sha256 = STR_LIT(SHA)});
	uint32_t other = lab_object_of(&lab, (struct item_object){.path = STR_LIT("/l/libx.so"),
								  .sha256 = STR_LIT(SHA_OTHER)});
	lab_ingest(&lab, (struct item){.type = ITEM_PROCESS,
				       .process = {.id = ++lab.processes,
						   .how = PROCESS_ROOT,
						   .exe = STR_LIT("/opt/tool"),
						   .exe_sha256 = STR_LIT(SHA)}});
	uint32_t process = lab.processes, file = lab_path(&lab, "/x");
	lab_expect(lab_do(&lab, lab_chain(&lab, process, (int)good), WIRE_FILE_READ, file, 3),
		   "deviates libx.so");
	lab_expect(lab_do(&lab, lab_chain(&lab, process, (int)other), WIRE_FILE_READ, file, 3),
		   "not judged libx.so");
	uint32_t program = lab_text(&lab, TARGET_PROGRAM, "/bin/x");
	uint32_t empty = lab_chain_of(&lab, process, 0, 0, (const int[]){0});
	lab_expect(lab_do(&lab, empty, WIRE_EXEC_RUN, program, 0), "deviates tool");
	lab_ingest(&lab, (struct item){.type = ITEM_PROCESS,
				       .process = {.id = ++lab.processes,
						   .how = PROCESS_ROOT,
						   .exe = STR_LIT("/opt/tool"),
						   .exe_sha256 = STR_LIT(SHA_OTHER),
						   .script = STR_LIT("/dev/fd/63"),
						   .script_sha256 = STR_LIT(SHA),
						   .script_origin = STR_LIT("evil:80")}});
	empty = lab_chain_of(&lab, lab.processes, 0, 0, (const int[]){0});
	lab_expect(lab_do(&lab, empty, WIRE_EXEC_RUN, program, 0), "not judged 63");
	uint32_t peer = lab_peer(&lab, "10.0.0.1", 80, PROTO_TCP);
	lab_expect(lab_do(&lab, empty, WIRE_NET_CONNECT, peer, 0), "deviates 63");
	lab_close(&lab);
}

/* --- phase ------------------------------------------------------------------------------------- */

struct stage {
	struct lab lab;
	uint32_t loader, libc, foo, bar, python, app, process;
};

static void stage_open(struct stage *s, const char *text)
{
	lab_open(&s->lab, text);
	s->loader = lab_library(&s->lab, "ld-linux-x86-64.so.2");
	s->libc = lab_library(&s->lab, "libc.so.6");
	s->foo = lab_library(&s->lab, "libfoo.so");
	s->bar = lab_library(&s->lab, "libbar.so");
	s->app = lab_main(&s->lab, "/opt/app", "app");
	s->process = lab_process(&s->lab, 0, 0, s->app, "/opt/app", "");
}

#define stage_chain(s, ...) lab_chain_of(&(s)->lab, (s)->process, 0, 0, (const int[]){__VA_ARGS__, 0})

static void test_phases_of_stacks(void **state)
{
	struct stage s;
	(void)state;
	stage_open(&s, "profiles: []\n");
	int ld = (int)s.loader, c = (int)s.libc, foo = (int)s.foo, bar = (int)s.bar, app = (int)s.app;
	int fake = (int)lab_object_of(
		&s.lab, (struct item_object){.path = STR_LIT("/tmp/ld-linux-x86-64.so.2"),
					     .soname = STR_LIT("ld-linux-x86-64.so.2")});
	const struct {
		int frames[8];
		uint32_t flags;
		unsigned phases;
	} cases[] = {
		{{foo, ld}, 0, PHASE_LOAD | PHASE_STARTUP},
		{{c, foo, ld}, 0, PHASE_LOAD | PHASE_STARTUP},
		{{foo, ld, c, ld, c, ld, c, app}, 0, PHASE_LOAD},
		{{foo, ld, c, ld, c, app, c, app}, 0, PHASE_STEADY}, /* dlclose */
		{{foo, ld, bar, app, c, app}, 0, PHASE_LOAD}, /* IFUNC */
		{{foo, ld, c, app, c, app}, 0, PHASE_STEADY}, /* _dl_fini */
		{{foo, ld, c}, 0, PHASE_STEADY},
		{{c, ld, c, ld, c, app}, 0, PHASE_STEADY}, /* dlopen itself */
		{{ld}, 0, PHASE_STEADY},
		{{foo, c, app}, 0, PHASE_STEADY},
		{{foo, ld}, WIRE_STACK_PARTIAL, PHASE_STEADY},
		{{foo, fake}, 0, PHASE_STEADY},
		{{app, c, app}, STACK_PHASE_LOAD | STACK_PHASE_STARTUP, PHASE_LOAD | PHASE_STARTUP},
		{{foo, c, app}, STACK_PHASE_LOAD, PHASE_LOAD},
		{{foo, c, app}, STACK_PHASE_STARTUP, PHASE_STARTUP},
	};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int frames[9] = {0};
		memcpy(frames, cases[i].frames, sizeof(cases[i].frames));
		uint32_t id = lab_chain_of(&s.lab, s.process, 0, cases[i].flags, frames);
		if (model_chain(s.lab.model, id)->phases != cases[i].phases)
			fail_msg("case %u: %u", i, model_chain(s.lab.model, id)->phases);
	}
	/* A thread that a constructor made is not in it. */
	uint32_t origin = stage_chain(&s, foo, ld);
	uint32_t thread = lab_chain_of(&s.lab, s.process, origin, 0, (const int[]){bar, c, 0});
	assert_int_equal(model_chain(s.lab.model, thread)->phases, PHASE_STEADY);
	lab_close(&s.lab);
}

static const char phase_text[] =
	"grants:\n"
	"  - {phase: load, file: {read: [/etc/foo.conf]}}\n"
	"guards:\n"
	"  - {name: early, phase: [startup], network: {connect: any}}\n"
	"profiles:\n"
	"  - {name: foo, match: {library: libfoo.so}, network: any,\n"
	"     file: {read: [{path: /opt/once, phase: [load, startup], message: too late}]}}\n"
	"  - {name: foo-loading, match: {library: libfoo.so}, phase: load, exec: none}\n"
	"  - {name: foo-running, match: {library: libfoo.so}, phase: steady, exec: {run: [ls]}}\n";

static void test_phase(void **state)
{
	struct stage s;
	(void)state;
	stage_open(&s, phase_text);
	uint32_t starting = stage_chain(&s, (int)s.foo, (int)s.loader);
	uint32_t loading = stage_chain(&s, (int)s.foo, (int)s.loader, (int)s.bar, (int)s.app);
	uint32_t steady = stage_chain(&s, (int)s.foo, (int)s.app);
	uint32_t conf = lab_path(&s.lab, "/etc/foo.conf"), once = lab_path(&s.lab, "/opt/once");
	uint32_t ls = lab_text(&s.lab, TARGET_PROGRAM, "/usr/bin/ls");
	uint32_t peer = lab_peer(&s.lab, "10.0.0.1", 80, PROTO_TCP);
	lab_expect(lab_do(&s.lab, loading, WIRE_FILE_READ, conf, 3), "allowed libfoo.so");
	lab_expect(lab_do(&s.lab, steady, WIRE_FILE_READ, conf, 3), "deviates libfoo.so");
	lab_expect(lab_do(&s.lab, starting, WIRE_FILE_READ, once, 3), "allowed libfoo.so");
	const struct outcome *o = lab_do(&s.lab, steady, WIRE_FILE_READ, once, 3);
	lab_expect(o, "deviates libfoo.so");
	assert_string_equal(o->message, "too late");
	lab_expect(lab_do(&s.lab, steady, WIRE_EXEC_RUN, ls, 0), "allowed libfoo.so");
	assert_string_equal(s.lab.outcomes[0].rule.profile, "foo-running");
	lab_expect(lab_do(&s.lab, loading, WIRE_EXEC_RUN, ls, 0), "deviates libfoo.so");
	assert_string_equal(s.lab.outcomes[0].rule.profile, "foo-loading");
	lab_expect(lab_do(&s.lab, steady, WIRE_NET_CONNECT, peer, 0), "allowed libfoo.so");
	assert_int_equal(s.lab.count, 1);
	lab_expect(lab_do(&s.lab, loading, WIRE_NET_CONNECT, peer, 0), "allowed libfoo.so");
	assert_int_equal(s.lab.count, 1);
	lab_expect(lab_do(&s.lab, starting, WIRE_NET_CONNECT, peer, 0), "allowed libfoo.so");
	assert_int_equal(s.lab.count, 2);
	assert_string_equal(s.lab.outcomes[1].rule.id, "early");
	/* Inside dlopen, whatever the stack shows. */
	s.lab.event.via[0] = (uint16_t)lab_function(&s.lab, "dlopen");
	lab_expect(lab_do(&s.lab, steady, WIRE_FILE_READ, conf, 3), "allowed libfoo.so");
	/* The call itself is the caller's. */
	s.lab.event.function = (uint16_t)s.lab.functions;
	lab_expect(lab_do(&s.lab, steady, WIRE_FILE_READ, conf, 3), "deviates libfoo.so");
	lab_close(&s.lab);
}

/* --- judge: attempts --------------------------------------------------------------------------- */

static void test_attempts(void **state)
{
	struct stage s;
	(void)state;
	stage_open(&s, "guards:\n"
		       "  - {name: keys, judge: attempts, file: {write: [/k]}}\n"
		       "  - {name: shadow, file: {read: [{path: /s, judge: attempts}, /t]}}\n"
		       "profiles:\n"
		       "  - {name: foo, match: {library: libfoo.so}, judge: attempts, network: none,\n"
		       "     file: {read: [/a, /s, /t]}}\n"
		       "  - {name: bar, match: {library: libbar.so}, file: {write: [/k]},\n"
		       "     network: {connect: [{to: 10.0.0.1, ports: [80], judge: attempts}]}}\n");
	uint32_t foo = stage_chain(&s, (int)s.foo, (int)s.app);
	uint32_t bar = stage_chain(&s, (int)s.bar, (int)s.app);
	struct lab *lab = &s.lab;
	lab_expect(lab_do(lab, foo, WIRE_FILE_READ, lab_path(lab, "/b"), -13), "deviates libfoo.so");
	lab_expect(lab_do(lab, foo, WIRE_FILE_READ, lab_path(lab, "/a"), -13), "allowed libfoo.so");
	lab_expect(lab_do(lab, foo, WIRE_NET_CONNECT, lab_peer(lab, "10.0.0.1", 80, PROTO_TCP), -1),
		   "deviates libfoo.so");
	/* A datagram connect is nothing, failed or not. */
	lab->event.flags = EVENT_DATAGRAM;
	lab_expect(lab_do(lab, foo, WIRE_NET_CONNECT, lab_peer(lab, "10.0.0.1", 80, PROTO_UDP), -1),
		   "not judged libfoo.so");
	/* Only what a rule almost allows. */
	lab_expect(lab_do(lab, bar, WIRE_NET_CONNECT, lab_peer(lab, "10.0.0.1", 81, PROTO_TCP), -1),
		   "deviates libbar.so");
	lab_expect(lab_do(lab, bar, WIRE_NET_CONNECT, lab_peer(lab, "10.0.0.2", 80, PROTO_TCP), -1),
		   "not judged libbar.so");
	lab_expect(lab_do(lab, bar, WIRE_FILE_READ, lab_path(lab, "/b"), -13), "not judged libbar.so");
	/* Guards, as a whole and by the rule. */
	lab_do(lab, bar, WIRE_FILE_WRITE, lab_path(lab, "/k"), -13);
	assert_int_equal(lab->count, 2);
	assert_string_equal(lab->outcomes[1].rule.id, "keys");
	lab_do(lab, foo, WIRE_FILE_READ, lab_path(lab, "/s"), -13);
	assert_int_equal(lab->count, 2);
	lab_do(lab, foo, WIRE_FILE_READ, lab_path(lab, "/t"), -13);
	assert_int_equal(lab->count, 1);
	lab_do(lab, foo, WIRE_FILE_READ, lab_path(lab, "/t"), 3);
	assert_int_equal(lab->count, 2);
	lab_close(lab);
}

/* --- watch: anywhere --------------------------------------------------------------------------- */

static void test_anywhere(void **state)
{
	struct stage s;
	(void)state;
	stage_open(&s, "profiles:\n"
		       "  - {name: libc, match: {library: libc.so.6}, role: conduit}\n"
		       "  - {name: foo, match: {library: libfoo.so}, watch: [anywhere], exec: none}\n"
		       "  - {name: bar, match: {library: libbar.so}, watch: [descendants, anywhere],\n"
		       "     exec: none}\n"
		       "  - {name: app, match: {executable: app}, exec: any}\n");
	struct lab *lab = &s.lab;
	uint32_t program = lab_text(lab, TARGET_PROGRAM, "/usr/bin/id");
	uint32_t chain = stage_chain(&s, (int)s.app, (int)s.foo, (int)s.app);
	lab_expect(lab_do(lab, chain, WIRE_EXEC_RUN, program, 0), "allowed app");
	assert_int_equal(lab->count, 2);
	assert_string_equal(lab->outcomes[1].charged->subject->name, "libfoo.so");
	assert_int_equal(lab->outcomes[1].kind, OUTCOME_DEVIATES);
	/* Charged itself, it is told once. */
	chain = stage_chain(&s, (int)s.foo, (int)s.app, (int)s.foo, (int)s.app);
	lab_expect(lab_do(lab, chain, WIRE_EXEC_RUN, program, 0), "deviates libfoo.so");
	assert_int_equal(lab->count, 1);
	/* On the stack of whoever made the thread, too. */
	uint32_t origin = stage_chain(&s, (int)s.foo, (int)s.app);
	chain = lab_chain_of(lab, s.process, origin, 0, (const int[]){(int)s.app, (int)s.libc, 0});
	lab_do(lab, chain, WIRE_EXEC_RUN, program, 0);
	assert_int_equal(lab->count, 2);
	/* What a later process does is for descendants. */
	uint32_t main = lab_main(lab, "/usr/bin/app", "app");
	for (unsigned i = 0; i < 2; i++) {
		uint32_t from = stage_chain(&s, (int)s.app, i ? (int)s.bar : (int)s.foo, (int)s.app);
		uint32_t process = lab_process(lab, s.process, from, main, "/usr/bin/app", "");
		chain = lab_chain(lab, process, (int)main);
		lab_expect(lab_do(lab, chain, WIRE_EXEC_RUN, program, 0), "allowed app");
		assert_int_equal(lab->count, 1 + i);
	}
	lab_close(lab);
}

/* --- threads: pool ----------------------------------------------------------------------------- */

static void test_pool(void **state)
{
	struct stage s;
	(void)state;
	stage_open(&s, "profiles:\n"
		       "  - {name: libc, match: {library: libc.so.6}, role: conduit}\n"
		       "  - {name: pool, match: {library: libpool.so}, threads: pool, carries: [net.*]}\n"
		       "  - {name: bar, match: {library: libbar.so}, network: none}\n"
		       "  - {name: foo, match: {library: libfoo.so}, carries: [net.*]}\n"
		       "  - {name: app, match: {executable: app}, network: any}\n");
	struct lab *lab = &s.lab;
	uint32_t peer = lab_peer(lab, "10.0.0.1", 80, PROTO_TCP);
	int pool = (int)lab_library(lab, "libpool.so");
	int fake = (int)lab_object_of(lab, (struct item_object){.path = STR_LIT("/tmp/libpool.so"),
								.soname = STR_LIT("libpool.so")});
	/* bar was the first to need the pool; foo's task runs on it. */
	uint32_t origin = stage_chain(&s, (int)s.libc, pool, (int)s.bar, (int)s.app);
	uint32_t chain = lab_chain_of(lab, s.process, origin, 0,
				      (const int[]){(int)s.foo, pool, (int)s.libc, 0});
	lab_expect(lab_do(lab, chain, WIRE_NET_CONNECT, peer, 0), "allowed app");
	/* A thread that only has the pool further in keeps its origin. */
	chain = lab_chain_of(lab, s.process, origin, 0,
			     (const int[]){pool, (int)s.foo, (int)s.libc, 0});
	lab_expect(lab_do(lab, chain, WIRE_NET_CONNECT, peer, 0), "deviates libbar.so");
	/* The word of a dropped file is not enough. */
	chain = lab_chain_of(lab, s.process, origin, 0,
			     (const int[]){(int)s.foo, fake, (int)s.libc, 0});
	lab_expect(lab_do(lab, chain, WIRE_NET_CONNECT, peer, 0), "deviates libpool.so");
	lab_close(lab);
}

/* --- child ------------------------------------------------------------------------------------- */

static const char child_text[] =
	"guards: [{name: g, file: {read: [/guarded]}}]\n"
	"profiles:\n"
	"  - {name: sh, match: {executable: dash}, role: conduit}\n"
	"  - name: app\n"
	"    match: {executable: app}\n"
	"    watch: descendants\n"
	"    file: none\n"
	"    exec:\n"
	"      run:\n"
	"        - {program: tool, args: [own], child: own}\n"
	"        - {program: tool, args: [mine], child: mine}\n"
	"        - {program: tool, args: [free], child: free}\n"
	"        - {program: \"/opt/run.sh\", args: [x], child: own}\n"
	"        - {program: tool}\n"
	"        - {program: bare, child: own}\n"
	"  - {name: tool, match: {executable: tool}, file: {read: [/ok]}}\n";

static uint32_t started(struct stage *s, uint32_t parent, uint32_t from, const char *exe,
			const char *script, struct str argv)
{
	lab_ingest(&s->lab, (struct item){.type = ITEM_PROCESS,
					  .process = {.id = ++s->lab.processes,
						      .parent = parent,
						      .origin_chain = from,
						      .how = PROCESS_EXEC,
						      .covered = true,
						      .pid = 100 + s->lab.processes,
						      .exe = lab_str(exe),
						      .script = lab_str(script),
						      .argv = argv}});
	return s->lab.processes;
}

static uint32_t child_chain(struct stage *s, const char *exe, const char *script, struct str argv)
{
	uint32_t from = stage_chain(s, (int)s->app);
	uint32_t process = started(s, s->process, from, exe, script, argv);
	return lab_chain_of(&s->lab, process, 0, 0, (const int[]){0});
}

static void test_child(void **state)
{
	struct stage s;
	(void)state;
	stage_open(&s, child_text);
	struct lab *lab = &s.lab;
	uint32_t ok = lab_path(lab, "/ok"), bad = lab_path(lab, "/bad");
	/* Nothing said: its own profile, and the starter watches. */
	uint32_t chain = child_chain(&s, "/usr/bin/tool", "", STR_LIT("tool"));
	lab_expect(lab_do(lab, chain, WIRE_FILE_READ, ok, 3), "allowed tool");
	assert_int_equal(lab->count, 2);
	/* own: nobody but itself. */
	chain = child_chain(&s, "/usr/bin/tool", "", STR_LIT("tool\0own"));
	lab_expect(lab_do(lab, chain, WIRE_FILE_READ, ok, 3), "allowed tool");
	assert_int_equal(lab->count, 1);
	lab_expect(lab_do(lab, chain, WIRE_FILE_READ, bad, 3), "deviates tool");
	assert_int_equal(lab->count, 1);
	chain = child_chain(&s, "/usr/bin/bare", "", STR_LIT("bare"));
	lab_expect(lab_do(lab, chain, WIRE_FILE_READ, bad, 3), "not judged bare");
	assert_true(lab->outcomes[0].is_unprofiled);
	/* mine: the starter's profile, although the child has one. */
	chain = child_chain(&s, "/usr/bin/tool", "", STR_LIT("tool\0mine"));
	lab_expect(lab_do(lab, chain, WIRE_FILE_READ, ok, 3), "deviates app");
	assert_int_equal(lab->count, 1);
	/* free: nobody, but guards hold. */
	chain = child_chain(&s, "/usr/bin/tool", "", STR_LIT("tool\0free"));
	lab_expect(lab_do(lab, chain, WIRE_FILE_READ, bad, 3), "not judged tool");
	assert_false(lab->outcomes[0].is_unprofiled);
	assert_int_equal(lab->count, 1);
	lab_do(lab, chain, WIRE_FILE_READ, lab_path(lab, "/guarded"), 3);
	assert_int_equal(lab->count, 2);
	/* A script is the program, its interpreter's arguments are not its own. */
	chain = child_chain(&s, "/usr/bin/dash", "/opt/run.sh", STR_LIT("/bin/sh\0-e\0/opt/run.sh\0x"));
	lab_expect(lab_do(lab, chain, WIRE_FILE_READ, bad, 3), "not judged run.sh");
	assert_int_equal(lab->count, 1);
	chain = child_chain(&s, "/usr/bin/dash", "/opt/run.sh", STR_LIT("/bin/sh\0-e\0/opt/run.sh\0y"));
	/* No rule says anything of it: who started it answers. */
	lab_expect(lab_do(lab, chain, WIRE_FILE_READ, bad, 3), "deviates app");
	lab_close(lab);
}

/* What a child starts in turn goes with it, and so do forked copies. */
static void test_grandchild(void **state)
{
	struct stage s;
	(void)state;
	stage_open(&s, child_text);
	struct lab *lab = &s.lab;
	uint32_t bad = lab_path(lab, "/bad");
	uint32_t from = stage_chain(&s, (int)s.app);
	uint32_t tool = started(&s, s.process, from, "/usr/bin/tool", "", STR_LIT("tool\0free"));
	lab_ingest(lab, (struct item){.type = ITEM_PROCESS,
				      .process = {.id = ++lab->processes,
						  .parent = tool,
						  .how = PROCESS_FORK,
						  .covered = true,
						  .pid = 7,
						  .exe = STR_LIT("/usr/bin/tool")}});
	uint32_t fork = lab->processes;
	uint32_t in_fork = lab_chain_of(lab, fork, 0, 0, (const int[]){0});
	lab_expect(lab_do(lab, in_fork, WIRE_FILE_READ, bad, 3), "not judged tool");
	assert_int_equal(lab->count, 1);
	uint32_t later = started(&s, fork, in_fork, "/usr/bin/later", "", STR_LIT("later"));
	uint32_t chain = lab_chain_of(lab, later, 0, 0, (const int[]){0});
	lab_do(lab, chain, WIRE_FILE_READ, bad, 3);
	assert_int_equal(lab->outcomes[0].kind, OUTCOME_NOT_JUDGED);
	assert_int_equal(lab->count, 1);
	lab_close(lab);
}

/* --- via a Python module ----------------------------------------------------------------------- */

static void test_via_importlib(void **state)
{
	struct stage s;
	(void)state;
	stage_open(&s, "grants: [{via: [importlib], file: {read: [/site/x.py]}}]\n"
		       "profiles:\n"
		       "  - {name: python, match: {executable: python3}, role: conduit, base: none}\n"
		       "  - {name: foo, match: {library: libfoo.so}, file: none}\n");
	struct lab *lab = &s.lab;
	uint32_t file = lab_path(lab, "/site/x.py"), python = lab_main(lab, "/usr/bin/python3", "p");
	const int in_python[] = {(int)s.foo, (int)python, 0}, in_app[] = {(int)s.foo, (int)s.app, 0};
	uint32_t process = lab_process(lab, 0, 0, python, "/usr/bin/python3", "");
	uint32_t chain = lab_chain_of(lab, process, 0, STACK_PHASE_LOAD, in_python);
	lab_expect(lab_do(lab, chain, WIRE_FILE_READ, file, 3), "allowed libfoo.so");
	chain = lab_chain_of(lab, process, 0, 0, in_python);
	lab_expect(lab_do(lab, chain, WIRE_FILE_READ, file, 3), "deviates libfoo.so");
	/* A constructor is no import. */
	chain = lab_chain_of(lab, s.process, 0, STACK_PHASE_LOAD, in_app);
	lab_expect(lab_do(lab, chain, WIRE_FILE_READ, file, 3), "deviates libfoo.so");
	lab_close(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_match_python),
		cmocka_unit_test(test_match_origin),
		cmocka_unit_test(test_trust),
		cmocka_unit_test(test_digest_and_origin_from_items),
		cmocka_unit_test(test_phases_of_stacks),
		cmocka_unit_test(test_phase),
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_anywhere),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_child),
		cmocka_unit_test(test_grandchild),
		cmocka_unit_test(test_via_importlib),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
