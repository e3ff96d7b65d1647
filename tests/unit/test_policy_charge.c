/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is charged: callbacks, conduits, own rules, tail calls, children, watchers, cut stacks.
 */
#include "test_policy_lab.h"

static const char policy_text[] =
	"grants:\n"
	"  - file: {read: [\"/usr/lib/locale/**\"]}\n"
	"guards:\n"
	"  - {name: inspect, exec: {inspect: any}, severity: critical, message: do not look}\n"
	"  - {name: rc, file: {write: [\"~/.bashrc\"], rename: [\"~/.bashrc\"]}}\n"
	"profiles:\n"
	"  - {name: libc, match: {library: libc.so.6}, role: conduit}\n"
	"  - {name: sh, match: {executable: sh}, role: conduit}\n"
	"  - {name: python, match: {executable: \"python3*\"}, role: conduit}\n"
	"  - name: curl\n"
	"    match: {library: libcurl.so.4}\n"
	"    carries: [net.*]\n"
	"    file: {read: [\"~/.netrc\"]}\n"
	"    exec: none\n"
	"  - {name: curl-tool, match: {executable: curl}, carries: [net.*], exec: none}\n"
	"  - {name: png, match: {library: libpng.so}, network: none, exec: none, file: none}\n"
	"  - {name: app, match: {executable: app}, network: any, exec: any, file: any}\n"
	"  - name: up\n"
	"    match: {script: \"**/up*\"}\n"
	"    watch: descendants\n"
	"    network: {connect: [{to: 127.0.0.10}]}\n"
	"    exec: {run: [git, curl]}\n"
	"  - {name: gdb, match: {executable: gdb}, exempt: [inspect]}\n";

struct world {
	struct lab lab;
	uint32_t libc, curl, png, foo, app, process;
	uint32_t good, bad;
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct lab *lab = &world->lab;
	lab_open(lab, policy_text);
	world->libc = lab_library(lab, "libc.so.6");
	world->curl = lab_library(lab, "libcurl.so.4");
	world->png = lab_library(lab, "libpng.so");
	world->foo = lab_library(lab, "libfoo.so");
	world->app = lab_main(lab, "/opt/app", "");
	world->process = lab_process(lab, 0, 0, world->app, "/opt/app", "");
	world->good = lab_peer(lab, "127.0.0.10", 443, PROTO_TCP);
	world->bad = lab_peer(lab, "127.0.0.66", 80, PROTO_TCP);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	lab_close(&world->lab);
	free(world);
	return 0;
}

static void test_nearest(void **state)
{
	struct world *w = *state;
	uint32_t chain = lab_chain(&w->lab, w->process, w->png, w->app);
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "deviates libpng.so");
	assert_string_equal(o->rule.profile, "png");
	assert_string_equal(o->rule.file, "p.yaml");
	assert_int_equal(o->rule.line, 17);
	assert_string_equal(o->expected, "network: none");
	assert_string_equal(o->method_name, "exact");
	assert_int_equal(o->severity, SEVERITY_MEDIUM);
	assert_int_equal(w->lab.count, 1);
}

static void test_callback_belongs_to_the_app(void **state)
{
	struct world *w = *state;
	uint32_t chain = lab_chain(&w->lab, w->process, w->app, w->png, w->app);
	lab_expect(lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0), "allowed app");
}

static void test_conduit_passes_on(void **state)
{
	struct world *w = *state;
	uint32_t chain = lab_chain(&w->lab, w->process, w->libc, w->curl, w->png, w->app);
	lab_expect(lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0), "deviates libpng.so");
	/* What it does not carry is its own. */
	uint32_t sh = lab_text(&w->lab, TARGET_PROGRAM, "/usr/bin/dash");
	lab_expect(lab_do(&w->lab, chain, WIRE_EXEC_RUN, sh, 0), "deviates libcurl.so.4");
}

static void test_own_rules_allow(void **state)
{
	struct world *w = *state;
	uint32_t chain = lab_chain(&w->lab, w->process, w->libc, w->curl, w->png, w->app);
	uint32_t netrc = lab_path(&w->lab, "/home/u/.netrc");
	lab_expect(lab_do(&w->lab, chain, WIRE_FILE_READ, netrc, 3), "allowed libcurl.so.4");
	/* A conduit's own: the base grants. */
	uint32_t locale = lab_path(&w->lab, "/usr/lib/locale/locale-archive");
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_FILE_READ, locale, 3);
	lab_expect(o, "allowed libc.so.6");
	assert_string_equal(o->rule.profile, "grants");
}

/* A library of a known name that no package owns gets the rules, not the trust. */
static void test_dropped_conduit(void **state)
{
	struct world *w = *state;
	uint32_t fake =
		lab_object_of(&w->lab, (struct item_object){.path = STR_LIT("/tmp/libcurl.so.4"),
							    .soname = STR_LIT("libcurl.so.4")});
	uint32_t chain = lab_chain(&w->lab, w->process, fake, w->app);
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "allowed libcurl.so.4");
	assert_string_equal(o->judged_by->subject->name, "app");
	uint32_t netrc = lab_path(&w->lab, "/home/u/.netrc");
	lab_expect(lab_do(&w->lab, chain, WIRE_FILE_READ, netrc, 0), "allowed libcurl.so.4");
}

static void test_unprofiled_library_stops(void **state)
{
	struct world *w = *state;
	uint32_t chain = lab_chain(&w->lab, w->process, w->libc, w->foo, w->app);
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "not judged libfoo.so");
	assert_true(o->is_unprofiled);
}

static void test_tail_call(void **state)
{
	struct world *w = *state;
	uint32_t chain = lab_chain(&w->lab, w->process, -(int)w->png, w->app);
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "deviates libpng.so");
	assert_int_equal(o->method, METHOD_INFERRED);
	assert_string_equal(o->method_name, "inferred");
	chain = lab_chain(&w->lab, w->process, -(int)w->curl, w->png, w->app);
	o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "deviates libpng.so");
	assert_int_equal(o->method, METHOD_INFERRED);
	/* Behind the charged one it does not matter. */
	chain = lab_chain(&w->lab, w->process, w->png, -(int)w->curl, w->app);
	o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	assert_int_equal(o->method, METHOD_EXACT);
}

static void test_cut_stack(void **state)
{
	struct world *w = *state;
	uint32_t chain = lab_chain_of(&w->lab, w->process, 0, WIRE_STACK_PARTIAL,
				      (const int[]){(int)w->libc, (int)w->curl, 0});
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "allowed app");
	assert_int_equal(o->method, METHOD_PARTIAL);
	assert_string_equal(o->method_name, "partial");
	chain = lab_chain_of(&w->lab, w->process, 0, WIRE_STACK_PARTIAL,
			     (const int[]){(int)w->libc, (int)w->png, 0});
	o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "deviates libpng.so");
	assert_int_equal(o->method, METHOD_EXACT);
}

/* A program without profile answers to who started it, and that is known however little of its stack
 * is: unless nothing of it is, or the starter's own was cut. */
static void test_cut_stack_of_a_child(void **state)
{
	struct world *w = *state;
	uint32_t other = lab_main(&w->lab, "/opt/other", "");
	uint32_t origin = lab_chain(&w->lab, w->process, w->libc, w->app);
	uint32_t child = lab_process(&w->lab, w->process, origin, other, "/opt/other", "");
	uint32_t chain = lab_chain_of(&w->lab, child, 0, WIRE_STACK_PARTIAL,
				      (const int[]){(int)w->libc, (int)other, 0});
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "allowed app");
	assert_int_equal(o->method, METHOD_EXACT);
	chain = lab_chain_of(&w->lab, child, 0, WIRE_STACK_PARTIAL, (const int[]){(int)w->libc, 0});
	o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	assert_int_equal(o->method, METHOD_PARTIAL);
	origin = lab_chain_of(&w->lab, w->process, 0, WIRE_STACK_PARTIAL,
			      (const int[]){(int)w->libc, 0});
	child = lab_process(&w->lab, w->process, origin, other, "/opt/other", "");
	chain = lab_chain_of(&w->lab, child, 0, WIRE_STACK_PARTIAL,
			     (const int[]){(int)w->libc, (int)other, 0});
	o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	assert_int_equal(o->method, METHOD_PARTIAL);
}

static void test_threads_origin(void **state)
{
	struct world *w = *state;
	uint32_t maker = lab_chain(&w->lab, w->process, w->libc, w->png, w->app);
	uint32_t chain = lab_chain_of(&w->lab, w->process, maker, 0,
				      (const int[]){(int)w->libc, (int)w->curl, (int)w->libc, 0});
	lab_expect(lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0), "deviates libpng.so");
}

/* system() in a library, curl in the child. */
static void test_library_starts_conduits(void **state)
{
	struct world *w = *state;
	uint32_t origin = lab_chain(&w->lab, w->process, w->libc, w->png, w->app);
	uint32_t sh = lab_main(&w->lab, "/usr/bin/sh", "dash");
	uint32_t child = lab_process(&w->lab, w->process, origin, sh, "/usr/bin/sh", "");
	uint32_t middle = lab_chain(&w->lab, child, w->libc, sh);
	uint32_t tool = lab_main(&w->lab, "/usr/bin/curl", "curl");
	uint32_t grandchild = lab_process(&w->lab, child, middle, tool, "/usr/bin/curl", "");
	uint32_t chain = lab_chain(&w->lab, grandchild, w->libc, w->curl, tool);
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "deviates libpng.so");
}

static void test_child_without_profile(void **state)
{
	struct world *w = *state;
	uint32_t tool = lab_main(&w->lab, "/opt/tool", "tool");
	/* Its starter is judged ... */
	uint32_t origin = lab_chain(&w->lab, w->process, w->libc, w->png, w->app);
	uint32_t child = lab_process(&w->lab, w->process, origin, tool, "/opt/tool", "");
	uint32_t chain = lab_chain(&w->lab, child, w->libc, tool, w->libc, tool);
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "deviates libpng.so");
	/* ... but the child may read what is its own. */
	uint32_t own = lab_path(&w->lab, "/opt/tool");
	lab_expect(lab_do(&w->lab, chain, WIRE_FILE_READ, own, 0), "allowed libpng.so");
	/* A starter without profile: the child itself. */
	origin = lab_chain(&w->lab, w->process, w->libc, w->foo, w->app);
	child = lab_process(&w->lab, w->process, origin, tool, "/opt/tool", "");
	chain = lab_chain(&w->lab, child, w->libc, tool);
	o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "not judged tool");
	assert_true(o->is_unprofiled);
}

static void test_root_without_profile(void **state)
{
	struct world *w = *state;
	uint32_t other = lab_main(&w->lab, "/opt/other", "");
	uint32_t process = lab_process(&w->lab, 0, 0, other, "/opt/other", "");
	uint32_t chain = lab_chain(&w->lab, process, w->libc, other);
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "not judged other");
	assert_true(o->is_unprofiled);
}

static void test_outermost(void **state)
{
	struct world *w = *state;
	uint32_t sh = lab_main(&w->lab, "/usr/bin/sh", "dash");
	uint32_t process = lab_process(&w->lab, 0, 0, sh, "/usr/bin/sh", "");
	uint32_t chain = lab_chain(&w->lab, process, w->libc, sh);
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "not judged sh");
	assert_string_equal(o->method_name, "outermost");
	assert_false(o->is_unprofiled);
	/* A tool without profile under it is named itself. */
	uint32_t tool = lab_main(&w->lab, "/opt/tool", "tool");
	uint32_t child = lab_process(&w->lab, process, chain, tool, "/opt/tool", "");
	chain = lab_chain(&w->lab, child, w->libc, tool);
	lab_expect(lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0), "not judged tool");
}

static void test_script(void **state)
{
	struct world *w = *state;
	uint32_t sh = lab_main(&w->lab, "/usr/bin/sh", "dash");
	uint32_t process = lab_process(&w->lab, 0, 0, sh, "/usr/bin/sh", "/srv/up.sh");
	uint32_t chain = lab_chain(&w->lab, process, w->libc, sh);
	uint32_t own = lab_path(&w->lab, "/srv/up.sh");
	lab_expect(lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->good, 0), "allowed up.sh");
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "deviates up.sh");
	assert_int_equal(o->rule.line, 22);
	assert_string_equal(o->expected, "network.connect: 127.0.0.10");
	lab_expect(lab_do(&w->lab, chain, WIRE_FILE_READ, own, 3), "allowed up.sh");
	/* A packaged interpreter needs no profile of its own for that ... */
	uint32_t odd = lab_main(&w->lab, "/usr/bin/odd", "odd");
	process = lab_process(&w->lab, 0, 0, odd, "/usr/bin/odd", "/srv/up.sh");
	chain = lab_chain(&w->lab, process, w->libc, odd);
	lab_expect(lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0), "deviates up.sh");
	/* ... nor does one that nobody packaged (pyenv): the script's rules bind it. */
	for (unsigned i = 0; i < 2; i++) {
		const char *path = i ? "/tmp/odd" : "/tmp/sh";
		uint32_t fake = lab_main(&w->lab, path, "");
		process = lab_process(&w->lab, 0, 0, fake, path, "/srv/up.sh");
		chain = lab_chain(&w->lab, process, w->libc, fake);
		lab_expect(lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->good, 0), "allowed up.sh");
		lab_expect(lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0), "deviates up.sh");
	}
}

/* Nothing dropped gets its starter off by the name of a lenient script it says it runs. */
static void test_script_of_dropped_child(void **state)
{
	struct world *w = *state;
	uint32_t fake = lab_main(&w->lab, "/tmp/odd", "");
	uint32_t origin = lab_chain(&w->lab, w->process, w->libc, w->png, w->app);
	uint32_t child =
		lab_process(&w->lab, w->process, origin, fake, "/tmp/odd", "/srv/up.sh");
	uint32_t chain = lab_chain(&w->lab, child, w->libc, fake);
	lab_expect(lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->good, 0), "deviates libpng.so");
	lab_expect(lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0), "deviates up.sh");
	/* A starter that has nothing to say leaves it to the script. */
	origin = lab_chain(&w->lab, w->process, w->libc, w->foo, w->app);
	child = lab_process(&w->lab, w->process, origin, fake, "/tmp/odd", "/srv/up.sh");
	chain = lab_chain(&w->lab, child, w->libc, fake);
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->good, 0);
	lab_expect(o, "allowed up.sh");
	assert_false(o->is_unprofiled);
}

/* An extension module that nobody packaged carries nothing, but its caller's profile holds. */
static void test_dropped_conduit_is_judged(void **state)
{
	struct world *w = *state;
	uint32_t module =
		lab_object_of(&w->lab, (struct item_object){.path = STR_LIT("/opt/py/libcurl.so.4"),
							    .soname = STR_LIT("libcurl.so.4")});
	uint32_t python = lab_main(&w->lab, "/opt/py/python3.11", "");
	uint32_t process = lab_process(&w->lab, 0, 0, python, "/opt/py/python3.11", "/srv/up.sh");
	uint32_t chain = lab_chain(&w->lab, process, module, python, w->libc, python);
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "deviates libcurl.so.4");
	assert_string_equal(o->judged_by->subject->name, "up.sh");
	assert_string_equal(o->rule.profile, "up");
	/* Where nobody answers it is told as one that nobody answers for. */
	chain = lab_chain(&w->lab, w->process, module, w->foo, w->app);
	o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "not judged libcurl.so.4");
	assert_true(o->is_unprofiled);
}

/* A dropped program that is called like a profiled one does not get its starter off. */
static void test_dropped_child(void **state)
{
	struct world *w = *state;
	uint32_t origin = lab_chain(&w->lab, w->process, w->libc, w->png, w->app);
	uint32_t fake = lab_main(&w->lab, "/tmp/curl", "");
	uint32_t child = lab_process(&w->lab, w->process, origin, fake, "/tmp/curl", "");
	uint32_t chain = lab_chain(&w->lab, child, w->libc, fake);
	lab_expect(lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0), "deviates libpng.so");
	/* What that profile does speak about it is held to. */
	uint32_t sh = lab_text(&w->lab, TARGET_PROGRAM, "/usr/bin/dash");
	lab_expect(lab_do(&w->lab, chain, WIRE_EXEC_RUN, sh, 0), "deviates curl");
}

static void test_watcher(void **state)
{
	struct world *w = *state;
	uint32_t sh = lab_main(&w->lab, "/usr/bin/sh", "dash");
	uint32_t script = lab_process(&w->lab, 0, 0, sh, "/usr/bin/sh", "/srv/up.sh");
	uint32_t start = lab_chain(&w->lab, script, w->libc, sh);
	uint32_t child = lab_process(&w->lab, script, start, w->app, "/opt/app", "");
	uint32_t chain = lab_chain(&w->lab, child, w->libc, w->app);
	/* The child's own profile allows it, who watches does not. */
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "allowed app");
	assert_int_equal(w->lab.count, 2);
	lab_expect(&w->lab.outcomes[1], "deviates up.sh");
	assert_string_equal(w->lab.outcomes[1].rule.profile, "up");
	lab_expect(lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->good, 0), "allowed app");
	assert_int_equal(w->lab.count, 1);
	/* Its exec list judges what descendants run. */
	uint32_t git = lab_text(&w->lab, TARGET_PROGRAM, "/usr/bin/git");
	uint32_t env = lab_text(&w->lab, TARGET_PROGRAM, "/usr/bin/env");
	lab_do(&w->lab, chain, WIRE_EXEC_RUN, git, 0);
	assert_int_equal(w->lab.count, 1);
	lab_do(&w->lab, chain, WIRE_EXEC_RUN, env, 0);
	assert_int_equal(w->lab.count, 2);
	assert_string_equal(w->lab.outcomes[1].expected, "exec.run: git, curl");
	/* Failures are nobody's deviation. */
	lab_do(&w->lab, chain, WIRE_EXEC_RUN, env, -2);
	assert_int_equal(w->lab.count, 1);
	/* Where it is the charged one it is not judged twice. */
	uint32_t tool = lab_main(&w->lab, "/opt/tool", "tool");
	child = lab_process(&w->lab, script, start, tool, "/opt/tool", "");
	chain = lab_chain(&w->lab, child, tool);
	o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "deviates up.sh");
	assert_int_equal(w->lab.count, 1);
}

static void test_guards(void **state)
{
	struct world *w = *state;
	uint32_t chain = lab_chain(&w->lab, w->process, w->foo, w->app);
	uint32_t other =
		lab_target(&w->lab, (struct item_target){.kind = TARGET_PROCESS, .number = 7});
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_EXEC_INSPECT, other, 0);
	lab_expect(o, "not judged libfoo.so");
	assert_int_equal(w->lab.count, 2);
	o = &w->lab.outcomes[1];
	lab_expect(o, "deviates libfoo.so");
	assert_string_equal(o->rule.profile, "guards");
	assert_string_equal(o->rule.id, "inspect");
	assert_int_equal(o->rule.line, 5);
	assert_int_equal(o->severity, SEVERITY_CRITICAL);
	assert_string_equal(o->message, "do not look");
	/* Oneself is nobody else. */
	uint32_t self = lab_target(
		&w->lab, (struct item_target){.kind = TARGET_PROCESS, .number = 1000 + w->process});
	lab_do(&w->lab, chain, WIRE_EXEC_INSPECT, self, 0);
	assert_int_equal(w->lab.count, 1);
	/* Moving a file onto a guarded one is writing it; high unless said. */
	uint32_t move = lab_target(&w->lab, (struct item_target){.kind = TARGET_PATHS,
								 .path = STR_LIT("/tmp/x"),
								 .to = STR_LIT("/home/u/.bashrc")});
	lab_do(&w->lab, chain, WIRE_FILE_RENAME, move, 0);
	assert_int_equal(w->lab.count, 2);
	assert_int_equal(w->lab.outcomes[1].severity, SEVERITY_HIGH);
	/* Exempt by name, when it is the packaged one. */
	for (unsigned i = 0; i < 2; i++) {
		uint32_t gdb = lab_main(&w->lab, i ? "/tmp/gdb" : "/usr/bin/gdb", i ? "" : "gdb");
		uint32_t process =
			lab_process(&w->lab, 0, 0, gdb, i ? "/tmp/gdb" : "/usr/bin/gdb", "");
		chain = lab_chain(&w->lab, process, w->libc, gdb);
		lab_do(&w->lab, chain, WIRE_EXEC_INSPECT, other, 0);
		assert_int_equal(w->lab.count, 1 + i);
	}
}

static void test_without_chain(void **state)
{
	struct world *w = *state;
	w->lab.event.process = w->process;
	const struct outcome *o = lab_do(&w->lab, 0, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "allowed app");
	assert_int_equal(o->method, METHOD_PARTIAL);
	w->lab.event.process = 4711;
	o = lab_do(&w->lab, 999, WIRE_NET_CONNECT, 999, 0);
	lab_expect(o, "not judged ");
	lab_do(&w->lab, lab_chain(&w->lab, w->process, w->png), 200, w->bad, 0);
	lab_expect(&w->lab.outcomes[0], "not judged libpng.so");
}

/* Code in no file is answered for by who made it executable. */
static void test_code(void **state)
{
	struct world *w = *state;
	uint32_t code =
		lab_object_of(&w->lab, (struct item_object){.kind = OBJECT_CODE, .maker = w->png});
	uint32_t chain = lab_chain(&w->lab, w->process, w->libc, code, w->app);
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	assert_int_equal(o->kind, OUTCOME_DEVIATES);
	assert_string_equal(o->rule.profile, "png");
}

/* Through the code of a conduit to whoever asked it: by frame pointers, and said so. */
static void test_code_of_a_conduit(void **state)
{
	struct world *w = *state;
	uint32_t code = lab_object_of(&w->lab,
				      (struct item_object){.kind = OBJECT_CODE, .maker = w->curl});
	uint32_t chain = lab_chain(&w->lab, w->process, w->libc, code, w->curl, w->png, w->app);
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "deviates libpng.so");
	assert_string_equal(o->method_name, "inferred");
	assert_int_equal(o->method, METHOD_INFERRED);
}

/* The pointer led past who made the code: nobody in between is let off, and nobody is accused. */
static void test_code_entered_by_a_stranger(void **state)
{
	struct world *w = *state;
	uint32_t code = lab_object_of(&w->lab,
				      (struct item_object){.kind = OBJECT_CODE, .maker = w->curl});
	uint32_t chain = lab_chain(&w->lab, w->process, w->libc, code, w->png, w->app);
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "allowed app");
	assert_int_equal(o->method, METHOD_PARTIAL);
}

/* An interpreter that nobody knows acts for its script, and so does what it compiled. */
static void test_code_of_an_unknown_interpreter(void **state)
{
	struct world *w = *state;
	uint32_t node = lab_main(&w->lab, "/opt/node", "");
	uint32_t process = lab_process(&w->lab, 0, 0, node, "/opt/node", "/srv/up.js");
	uint32_t code =
		lab_object_of(&w->lab, (struct item_object){.kind = OBJECT_CODE, .maker = node});
	uint32_t chain = lab_chain(&w->lab, process, w->libc, code, node);
	lab_expect(lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0), "deviates up.js");
	lab_expect(lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->good, 0), "allowed up.js");
	chain = lab_chain(&w->lab, process, w->libc, node);
	lab_expect(lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0), "deviates up.js");
}

static void test_code_of_nobody(void **state)
{
	struct world *w = *state;
	uint32_t code = lab_object_of(&w->lab, (struct item_object){.kind = OBJECT_CODE});
	uint32_t chain = lab_chain(&w->lab, w->process, w->libc, code, w->app);
	const struct outcome *o = lab_do(&w->lab, chain, WIRE_NET_CONNECT, w->bad, 0);
	lab_expect(o, "not judged code");
	assert_int_equal(o->method, METHOD_PARTIAL);
	assert_ptr_equal(o->judged_by->subject, o->charged->subject);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_nearest),
		CASE(test_callback_belongs_to_the_app),
		CASE(test_conduit_passes_on),
		CASE(test_own_rules_allow),
		CASE(test_dropped_conduit),
		CASE(test_unprofiled_library_stops),
		CASE(test_tail_call),
		CASE(test_cut_stack),
		CASE(test_cut_stack_of_a_child),
		CASE(test_threads_origin),
		CASE(test_library_starts_conduits),
		CASE(test_child_without_profile),
		CASE(test_root_without_profile),
		CASE(test_outermost),
		CASE(test_dropped_child),
		CASE(test_script),
		CASE(test_script_of_dropped_child),
		CASE(test_dropped_conduit_is_judged),
		CASE(test_watcher),
		CASE(test_guards),
		CASE(test_without_chain),
		CASE(test_code),
		CASE(test_code_of_a_conduit),
		CASE(test_code_entered_by_a_stranger),
		CASE(test_code_of_an_unknown_interpreter),
		CASE(test_code_of_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
