/* SPDX-License-Identifier: Apache-2.0
 *
 * What a profile allows: peers, names, files, programs, results, base grants, dates, and that
 * remembering changes nothing.
 */
#include "test_policy_lab.h"

#include <errno.h>

struct world {
	struct lab lab;
	uint32_t lib, app, process, chain;
};

/* A profile "lib" for liblib.so with these lines in it. */
static void open_world(struct world *world, const char *before, const char *lines)
{
	char *text = NULL;
	memset(world, 0, sizeof(*world));
	assert_true(asprintf(&text,
			     "%sprofiles:\n  - name: lib\n    match: {library: liblib.so}\n%s",
			     before, lines) > 0);
	lab_open(&world->lab, text);
	free(text);
	world->lib = lab_library(&world->lab, "liblib.so");
	world->app = lab_main(&world->lab, "/opt/app", "");
	world->process = lab_process(&world->lab, 0, 0, world->app, "/opt/app", "");
	world->chain = lab_chain(&world->lab, world->process, world->lib, world->app);
}

static void close_world(struct world *world)
{
	lab_close(&world->lab);
}

static void check_at(struct world *w, unsigned action, uint32_t target, int result,
		     enum outcome_kind expected, int line)
{
	const struct outcome *outcome = lab_do(&w->lab, w->chain, action, target, result);
	if (outcome->kind != expected)
		fail_msg("line %d: action %u is %s", line, action, lab_kinds[outcome->kind]);
	/* The same again comes out of the memory. */
	struct outcome first = *outcome;
	outcome = lab_do(&w->lab, w->chain, action, target, result);
	assert_memory_equal(&first, outcome, sizeof(first));
}

#define allowed(w, action, target) check_at(w, action, target, 0, OUTCOME_ALLOWED, __LINE__)
#define deviates(w, action, target) check_at(w, action, target, 0, OUTCOME_DEVIATES, __LINE__)

static void test_addresses_and_ports(void **state)
{
	struct world w;
	(void)state;
	open_world(&w, "",
		   "    network:\n"
		   "      connect:\n"
		   "        - {to: [10.0.0.0/8, \"2001:db8::/33\", 192.168.1.7], ports: [443, "
		   "8000-8099]}\n"
		   "        - {to: [\"::ffff:172.16.0.0/108\"], proto: udp}\n"
		   "        - {to: 10.128.0.0/9, ports: 9}\n"
		   "        - {to: localhost}\n");
	struct lab *l = &w.lab;
	allowed(&w, WIRE_NET_CONNECT, lab_peer(l, "10.1.2.3", 443, PROTO_TCP));
	allowed(&w, WIRE_NET_CONNECT, lab_peer(l, "10.1.2.3", 8000, PROTO_TCP));
	allowed(&w, WIRE_NET_CONNECT, lab_peer(l, "10.1.2.3", 8099, PROTO_TCP));
	deviates(&w, WIRE_NET_CONNECT, lab_peer(l, "10.1.2.3", 8100, PROTO_TCP));
	deviates(&w, WIRE_NET_CONNECT, lab_peer(l, "11.1.2.3", 443, PROTO_TCP));
	deviates(&w, WIRE_NET_CONNECT, lab_peer(l, "10.127.2.3", 9, PROTO_TCP));
	allowed(&w, WIRE_NET_CONNECT, lab_peer(l, "10.128.2.3", 9, PROTO_TCP));
	allowed(&w, WIRE_NET_CONNECT, lab_peer(l, "192.168.1.7", 443, PROTO_TCP));
	deviates(&w, WIRE_NET_CONNECT, lab_peer(l, "192.168.1.8", 443, PROTO_TCP));
	allowed(&w, WIRE_NET_CONNECT, lab_peer(l, "2001:db8:7fff::1", 443, PROTO_TCP));
	deviates(&w, WIRE_NET_CONNECT, lab_peer(l, "2001:db8:8000::1", 443, PROTO_TCP));
	allowed(&w, WIRE_NET_SEND, lab_peer(l, "172.31.0.1", 1, PROTO_UDP));
	deviates(&w, WIRE_NET_CONNECT, lab_peer(l, "172.31.0.1", 1, PROTO_TCP));
	deviates(&w, WIRE_NET_SEND, lab_peer(l, "172.32.0.1", 1, PROTO_UDP));
	allowed(&w, WIRE_NET_CONNECT, lab_peer(l, "127.0.0.1", 5, PROTO_TCP));
	allowed(&w, WIRE_NET_CONNECT, lab_peer(l, "::1", 5, PROTO_TCP));
	deviates(&w, WIRE_NET_CONNECT, lab_peer(l, "127.0.0.2", 5, PROTO_TCP));
	deviates(&w, WIRE_NET_BIND, lab_peer(l, "10.1.2.3", 443, PROTO_TCP));
	assert_string_equal(w.lab.outcomes[0].expected, "network.bind: none");
	assert_int_equal(w.lab.outcomes[0].rule.line, 5);
	/* Almost: the rule that would have allowed it is named. */
	deviates(&w, WIRE_NET_CONNECT, lab_peer(l, "192.168.1.7", 80, PROTO_TCP));
	assert_int_equal(w.lab.outcomes[0].rule.line, 7);
	close_world(&w);
}

static void test_names(void **state)
{
	struct world w;
	(void)state;
	open_world(&w, "",
		   "    network: {connect: [{to: [Codecov.io, \"*.codecov.io\"], ports: 443},"
		   " {to: 10.0.0.1}], resolve: [\"*.test\"]}\n");
	struct lab *l = &w.lab;
	uint32_t peer = lab_peer(l, "127.0.0.10", 443, PROTO_TCP);
	deviates(&w, WIRE_NET_CONNECT, peer);
	lab_name(l, w.process, "127.0.0.10", "a.test");
	deviates(&w, WIRE_NET_CONNECT, peer);
	lab_name(l, w.process, "127.0.0.10", "api.CODECOV.io.");
	allowed(&w, WIRE_NET_CONNECT, peer); /* learning a name is seen at once */
	deviates(&w, WIRE_NET_CONNECT, lab_peer(l, "127.0.0.11", 443, PROTO_TCP));
	/* Asking: whatever the answer. */
	uint32_t name = lab_text(l, TARGET_NAME, "codecov.IO.");
	allowed(&w, WIRE_NET_RESOLVE, name);
	check_at(&w, WIRE_NET_RESOLVE, name, -2, OUTCOME_ALLOWED, __LINE__);
	uint32_t evil = lab_text(l, TARGET_NAME, "codecov.io.evil.example");
	check_at(&w, WIRE_NET_RESOLVE, evil, -2, OUTCOME_DEVIATES, __LINE__);
	assert_string_equal(w.lab.outcomes[0].expected, "network.resolve: *.test");
	allowed(&w, WIRE_NET_RESOLVE, lab_text(l, TARGET_NAME, "x.y.TEST"));
	allowed(&w, WIRE_NET_RESOLVE, lab_text(l, TARGET_NAME, "10.0.0.1"));
	deviates(&w, WIRE_NET_RESOLVE, lab_text(l, TARGET_NAME, "10.0.0.2"));
	deviates(&w, WIRE_NET_RESOLVE, lab_text(l, TARGET_NAME, "localhost"));
	/* No name at all: the wildcard address was asked for. */
	check_at(&w, WIRE_NET_RESOLVE, lab_text(l, TARGET_NAME, ""), 0, OUTCOME_NOT_JUDGED,
		 __LINE__);
	close_world(&w);
	open_world(&w, "", "    network: {connect: [{to: localhost}]}\n");
	allowed(&w, WIRE_NET_RESOLVE, lab_text(&w.lab, TARGET_NAME, "localhost"));
	allowed(&w, WIRE_NET_RESOLVE, lab_text(&w.lab, TARGET_NAME, "::1"));
	deviates(&w, WIRE_NET_RESOLVE, lab_text(&w.lab, TARGET_NAME, "example.org"));
	close_world(&w);
}

static void test_unix_sockets(void **state)
{
	struct world w;
	(void)state;
	open_world(&w, "",
		   "    network: {connect: [{to: [\"unix:/run/*/bus\", \"unix:@abs*\"]}]}\n");
	struct lab *l = &w.lab;
	uint32_t bad = lab_text(l, TARGET_UNIX, "/run/nscd/socket");
	allowed(&w, WIRE_NET_CONNECT, lab_text(l, TARGET_UNIX, "/run/x/bus"));
	deviates(&w, WIRE_NET_CONNECT, lab_text(l, TARGET_UNIX, "/run/x/y/bus"));
	allowed(&w, WIRE_NET_CONNECT, lab_text(l, TARGET_UNIX, "@abstract"));
	deviates(&w, WIRE_NET_CONNECT, bad);
	check_at(&w, WIRE_NET_CONNECT, bad, -ENOENT, OUTCOME_NOT_JUDGED, __LINE__);
	check_at(&w, WIRE_NET_CONNECT, bad, -ECONNREFUSED, OUTCOME_NOT_JUDGED, __LINE__);
	check_at(&w, WIRE_NET_CONNECT, bad, -EAGAIN, OUTCOME_DEVIATES, __LINE__);
	check_at(&w, WIRE_NET_CONNECT, bad, -EINPROGRESS, OUTCOME_DEVIATES, __LINE__);
	close_world(&w);
}

static void test_what_counts(void **state)
{
	static const int counts[] = {0,		 -EINPROGRESS,	-ECONNREFUSED,
				     -ETIMEDOUT, -EHOSTUNREACH, -ENETUNREACH,
				     -EALREADY,	 -EINTR,	-ECONNRESET};
	static const int silent[] = {-EACCES, -EINVAL, -EBADF, -EAFNOSUPPORT, -EAGAIN, -ENOENT};
	struct world w;
	(void)state;
	open_world(&w, "", "    network: none\n    file: none\n    exec: none\n    env: none\n");
	struct lab *l = &w.lab;
	uint32_t peer = lab_peer(l, "127.0.0.10", 443, PROTO_TCP);
	uint32_t file = lab_path(l, "/etc/x");
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		check_at(&w, WIRE_NET_CONNECT, peer, counts[i], OUTCOME_DEVIATES, __LINE__);
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
		check_at(&w, WIRE_NET_CONNECT, peer, silent[i], OUTCOME_NOT_JUDGED, __LINE__);
		check_at(&w, WIRE_NET_BIND, peer, silent[i], OUTCOME_NOT_JUDGED, __LINE__);
		check_at(&w, WIRE_FILE_READ, file, silent[i], OUTCOME_NOT_JUDGED, __LINE__);
		check_at(&w, WIRE_EXEC_RUN, file, silent[i], OUTCOME_NOT_JUDGED, __LINE__);
	}
	/* A datagram socket's connect sends nothing; its first send is judged. */
	l->event.flags = EVENT_DATAGRAM;
	assert_int_equal(lab_do(l, w.chain, WIRE_NET_CONNECT, peer, 0)->kind, OUTCOME_NOT_JUDGED);
	deviates(&w, WIRE_NET_CONNECT, peer);
	deviates(&w, WIRE_NET_SEND, peer);
	/* Neither IPv4, IPv6 nor Unix: netlink. */
	uint32_t netlink = lab_target(l, (struct item_target){.kind = TARGET_PEER});
	check_at(&w, WIRE_NET_BIND, netlink, 0, OUTCOME_NOT_JUDGED, __LINE__);
	uint32_t variable = lab_text(l, TARGET_VARIABLE, "AWS_SECRET");
	check_at(&w, WIRE_ENV_READ, variable, -ENOENT, OUTCOME_DEVIATES, __LINE__);
	assert_string_equal(w.lab.outcomes[0].expected, "env: none");
	/* An argument that could not be read. */
	check_at(&w, WIRE_FILE_READ, 0, 0, OUTCOME_NOT_JUDGED, __LINE__);
	check_at(&w, WIRE_NET_EXCHANGE, peer, 0, OUTCOME_NOT_JUDGED, __LINE__);
	close_world(&w);
}

static void test_listening(void **state)
{
	struct world w;
	(void)state;
	open_world(&w, "", "    network: {bind: [{ports: 8080}]}\n");
	uint32_t local = lab_peer(&w.lab, "0.0.0.0", 8080, PROTO_TCP);
	uint32_t remote = lab_peer(&w.lab, "10.9.9.9", 54321, PROTO_TCP);
	allowed(&w, WIRE_NET_BIND, local);
	allowed(&w, WIRE_NET_LISTEN, local);
	allowed(&w, WIRE_NET_ACCEPT, remote);
	deviates(&w, WIRE_NET_LISTEN, remote);
	close_world(&w);
	open_world(&w, "",
		   "    network: {bind: [{ports: 8080}], listen: none, accept: [{to: "
		   "10.1.0.0/16}]}\n");
	local = lab_peer(&w.lab, "0.0.0.0", 8080, PROTO_TCP);
	deviates(&w, WIRE_NET_LISTEN, local);
	deviates(&w, WIRE_NET_ACCEPT, lab_peer(&w.lab, "10.9.9.9", 1, PROTO_TCP));
	allowed(&w, WIRE_NET_ACCEPT, lab_peer(&w.lab, "10.1.9.9", 1, PROTO_TCP));
	close_world(&w);
}

static void test_paths(void **state)
{
	struct world w;
	(void)state;
	open_world(&w, "",
		   "    file:\n"
		   "      read: [/etc/hosts, /etc/ssl/**, \"~/.netrc\", /proc/self/maps, \"/**\"]\n"
		   "      write: [\"/srv/*.log\", \"/proc/self/task/*/comm\"]\n"
		   "      delete: [\"memfd:jit*\", \"/tmp/x (deleted)\", \"/tmp/**\"]\n"
		   "      mode: [/etc/hosts]\n");
	struct lab *l = &w.lab;
	allowed(&w, WIRE_FILE_READ, lab_path(l, "/etc/hosts"));
	allowed(&w, WIRE_FILE_READ, lab_path(l, "/home/u/.netrc"));
	/* Nameless things are not meant by a wildcard. */
	deviates(&w, WIRE_FILE_READ, lab_path(l, "/memfd:x (deleted)"));
	deviates(&w, WIRE_FILE_READ, lab_path(l, "/tmp/y (deleted)"));
	allowed(&w, WIRE_FILE_DELETE, lab_path(l, "/memfd:jit-1 (deleted)"));
	allowed(&w, WIRE_FILE_DELETE, lab_path(l, "memfd:jit"));
	deviates(&w, WIRE_FILE_DELETE, lab_path(l, "memfd:other"));
	allowed(&w, WIRE_FILE_DELETE, lab_path(l, "/tmp/x (deleted)"));
	deviates(&w, WIRE_FILE_DELETE, lab_path(l, "/tmp/z (deleted)"));
	allowed(&w, WIRE_FILE_WRITE, lab_path(l, "/srv/a.log"));
	deviates(&w, WIRE_FILE_WRITE, lab_path(l, "/srv/b/a.log"));
	deviates(&w, WIRE_FILE_WRITE, lab_path(l, "/home/u/.netrc"));
	deviates(&w, WIRE_FILE_LIST, lab_path(l, "/etc/ssl"));
	deviates(&w, WIRE_FILE_MODE, lab_path(l, "/etc/hosts2"));
	/* Its own /proc, and nobody else's. */
	allowed(&w, WIRE_FILE_WRITE, lab_path(l, "/proc/1001/task/1001/comm"));
	deviates(&w, WIRE_FILE_WRITE, lab_path(l, "/proc/1002/task/1001/comm"));
	deviates(&w, WIRE_FILE_WRITE, lab_path(l, "/proc/10011/task/1001/comm"));
	close_world(&w);
}

static void test_two_paths(void **state)
{
	struct world w;
	(void)state;
	open_world(&w, "",
		   "    file: {rename: [\"/a/*\", \"/b/*\", {from: /c, to: /d}], link: [/a/x]}\n");
	static const struct {
		const char *from, *to;
		bool is_allowed;
	} cases[] = {{"/a/1", "/a/2", true}, {"/a/1", "/b/2", true}, {"/a/1", "/c", false},
		     {"/c", "/d", true},     {"/d", "/c", false},    {"/c", "/a/1", false}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t target =
			lab_target(&w.lab, (struct item_target){.kind = TARGET_PATHS,
								.path = lab_str(cases[i].from),
								.to = lab_str(cases[i].to)});
		check_at(&w, WIRE_FILE_RENAME, target, 0,
			 cases[i].is_allowed ? OUTCOME_ALLOWED : OUTCOME_DEVIATES, (int)i);
		check_at(&w, WIRE_FILE_LINK, target, 0, OUTCOME_DEVIATES, (int)i);
	}
	close_world(&w);
}

static void test_own_files(void **state)
{
	struct world w;
	(void)state;
	open_world(&w, "", "    file: none\n");
	uint32_t own = lab_path(&w.lab, "/usr/lib/x86_64-linux-gnu/liblib.so");
	uint32_t packaged =
		lab_target(&w.lab, (struct item_target){.kind = TARGET_PATH,
							.path = STR_LIT("/usr/share/lib/data"),
							.package = STR_LIT("liblib.so")});
	allowed(&w, WIRE_FILE_READ, own);
	allowed(&w, WIRE_FILE_READ, packaged);
	deviates(&w, WIRE_FILE_WRITE, own);
	/* Files of no package are not everybody's. */
	deviates(&w, WIRE_FILE_READ, lab_path(&w.lab, "/usr/share/lib/other"));
	close_world(&w);
}

static uint32_t program(struct world *w, const char *path, const char *asked, const char *argv,
			uint32_t argv_len)
{
	return lab_target(&w->lab, (struct item_target){.kind = TARGET_PROGRAM,
							.path = lab_str(path),
							.asked = lab_str(asked),
							.argv = {argv, argv_len}});
}

static void test_programs(void **state)
{
	struct world w;
	(void)state;
	open_world(&w, "",
		   "    exec:\n"
		   "      run: [awk, /opt/tool/*, {program: git, args: [\"ls-*\", \"**\"]},"
		   " {program: date, args: []}]\n"
		   "      load: [\"/usr/lib/**/ossl-modules/*.so\"]\n"
		   "      code: any\n");
	struct lab *l = &w.lab;
#define ARGV(text) text, sizeof(text) - 1
	allowed(&w, WIRE_EXEC_RUN, program(&w, "/usr/bin/awk", "awk", ARGV("awk\0x")));
	allowed(&w, WIRE_EXEC_RUN, program(&w, "/usr/bin/mawk", "/usr/bin/awk", ARGV("awk")));
	deviates(&w, WIRE_EXEC_RUN, program(&w, "/usr/bin/mawk", "/tmp/awk", ARGV("awk")));
	deviates(&w, WIRE_EXEC_RUN, program(&w, "/usr/bin/mawk", "awk", ARGV("awk")));
	deviates(&w, WIRE_EXEC_RUN, program(&w, "/tmp/evil", "/usr/bin/awk", ARGV("awk")));
	deviates(&w, WIRE_EXEC_RUN, program(&w, "/tmp/awk", "/tmp/awk", ARGV("awk")));
	allowed(&w, WIRE_EXEC_RUN, program(&w, "/opt/tool/x", "x", ARGV("x")));
	allowed(&w, WIRE_EXEC_RUN,
		program(&w, "/usr/lib/git-core/git", "git", ARGV("git\0ls-files\0a\0b")));
	allowed(&w, WIRE_EXEC_RUN, program(&w, "/usr/bin/git", "git", ARGV("git\0ls-files")));
	deviates(&w, WIRE_EXEC_RUN, program(&w, "/usr/bin/git", "git", ARGV("git\0remote\0-v")));
	assert_string_equal(w.lab.outcomes[0].expected,
			    "exec.run: awk, /opt/tool/*, git ls-* **, date without arguments");
	deviates(&w, WIRE_EXEC_RUN, program(&w, "/usr/bin/git", "git", ARGV("git")));
	allowed(&w, WIRE_EXEC_RUN, program(&w, "/usr/bin/date", "date", ARGV("date")));
	deviates(&w, WIRE_EXEC_RUN, program(&w, "/usr/bin/date", "date", ARGV("date\0-u")));
	allowed(&w, WIRE_EXEC_LOAD,
		lab_text(l, TARGET_OBJECT, "/usr/lib/x/ossl-modules/legacy.so"));
	deviates(&w, WIRE_EXEC_LOAD, lab_text(l, TARGET_OBJECT, "/tmp/ossl-modules/legacy.so"));
	allowed(&w, WIRE_EXEC_CODE, lab_target(l, (struct item_target){.kind = TARGET_MEMORY}));
	deviates(&w, WIRE_EXEC_INSPECT, lab_path(l, "/proc/1/mem"));
	check_at(&w, WIRE_EXEC_INSPECT, lab_path(l, "/proc/1001/mem"), 0, OUTCOME_NOT_JUDGED,
		 __LINE__);
	close_world(&w);
}

/* What has no place in the file system, and guards that name two paths. */
static void test_guards_of_files(void **state)
{
	struct world w;
	(void)state;
	open_world(&w,
		   "guards:\n"
		   "  - {name: memory, exec: {run: [\"memfd:**\"], load: [\"/memfd:**\"]}}\n"
		   "  - {name: rc, file: {rename: [{from: \"**\", to: \"~/.profile\"}]}}\n",
		   "    exec: any\n    file: any\n");
	struct lab *l = &w.lab;
	uint32_t memfd = program(&w, "/memfd:x (deleted)", "/proc/self/fd/3", ARGV("x"));
	allowed(&w, WIRE_EXEC_RUN, memfd);
	assert_int_equal(lab_do(l, w.chain, WIRE_EXEC_RUN, memfd, 0)->kind, OUTCOME_ALLOWED);
	assert_int_equal(l->count, 2);
	assert_string_equal(l->outcomes[1].rule.id, "memory");
	lab_do(l, w.chain, WIRE_EXEC_RUN, program(&w, "/usr/bin/x", "x", ARGV("x")), 0);
	assert_int_equal(l->count, 1);
	lab_do(l, w.chain, WIRE_EXEC_LOAD, lab_text(l, TARGET_OBJECT, "/memfd:y (deleted)"), 0);
	assert_int_equal(l->count, 2);
	static const char *const to[] = {"/home/u/.profile", "/home/u/.profile2"};
	for (unsigned i = 0; i < 2; i++) {
		uint32_t move = lab_target(l, (struct item_target){.kind = TARGET_PATHS,
								   .path = STR_LIT("/tmp/a"),
								   .to = lab_str(to[i])});
		lab_do(l, w.chain, WIRE_FILE_RENAME, move, 0);
		assert_int_equal(l->count, 2 - i);
	}
	close_world(&w);
}

static void test_base_grants(void **state)
{
	static const char *const base = "grants:\n"
					"  - via: [getaddrinfo, \"getpw*\"]\n"
					"    file: {read: [/etc/passwd]}\n"
					"  - via: dlopen\n"
					"    file: {read: any}\n"
					"  - network: {connect: [{to: \"unix:/dev/log\"}]}\n";
	struct world w;
	(void)state;
	open_world(&w, base, "    file: none\n    network: none\n");
	struct lab *l = &w.lab;
	uint32_t passwd = lab_path(l, "/etc/passwd"), shadow = lab_path(l, "/etc/shadow");
	uint16_t open = (uint16_t)lab_function(l, "open"),
		 who = (uint16_t)lab_function(l, "getpwuid");
	uint16_t load = (uint16_t)lab_function(l, "dlopen");
	deviates(&w, WIRE_FILE_READ, passwd);
	l->event.function = open;
	assert_int_equal(lab_do(l, w.chain, WIRE_FILE_READ, passwd, 0)->kind, OUTCOME_DEVIATES);
	l->event.function = who;
	assert_int_equal(lab_do(l, w.chain, WIRE_FILE_READ, passwd, 0)->kind, OUTCOME_ALLOWED);
	l->event.function = open;
	l->event.via[0] = load;
	l->event.via[1] = who;
	assert_int_equal(lab_do(l, w.chain, WIRE_FILE_READ, passwd, 0)->kind, OUTCOME_ALLOWED);
	l->event.via[0] = who;
	assert_int_equal(lab_do(l, w.chain, WIRE_FILE_READ, shadow, 0)->kind, OUTCOME_DEVIATES);
	l->event.via[0] = load;
	const struct outcome *o = lab_do(l, w.chain, WIRE_FILE_READ, shadow, 0);
	assert_int_equal(o->kind, OUTCOME_ALLOWED);
	assert_string_equal(o->rule.profile, "grants");
	allowed(&w, WIRE_NET_CONNECT, lab_text(l, TARGET_UNIX, "/dev/log"));
	close_world(&w);
	open_world(&w, base, "    base: none\n    network: none\n");
	deviates(&w, WIRE_NET_CONNECT, lab_text(&w.lab, TARGET_UNIX, "/dev/log"));
	close_world(&w);
}

static void test_dates_and_words(void **state)
{
	struct world w;
	(void)state;
	/* The run began 2001-09-09T01:46:40Z. */
	open_world(&w, "",
		   "    severity: low\n"
		   "    env:\n"
		   "      read:\n"
		   "        - {name: \"OLD_*\", expires: 2001-09-09, severity: critical,"
		   " message: it is over, id: old}\n"
		   "        - NEW\n");
	uint32_t variable = lab_text(&w.lab, TARGET_VARIABLE, "OLD_X");
	allowed(&w, WIRE_ENV_READ, variable);
	w.lab.event.time_ns = 86400ull * 1000000000;
	const struct outcome *o = lab_do(&w.lab, w.chain, WIRE_ENV_READ, variable, 0);
	assert_int_equal(o->kind, OUTCOME_DEVIATES);
	assert_int_equal(o->severity, SEVERITY_CRITICAL);
	assert_string_equal(o->message, "it is over");
	assert_string_equal(o->rule.id, "old");
	allowed(&w, WIRE_ENV_READ, variable);
	deviates(&w, WIRE_ENV_READ, lab_text(&w.lab, TARGET_VARIABLE, "PATH"));
	assert_int_equal(w.lab.outcomes[0].severity, SEVERITY_LOW);
	assert_string_equal(w.lab.outcomes[0].expected, "env.read: OLD_*, NEW");
	close_world(&w);
}

static void test_long_phrase(void **state)
{
	char lines[4096] = "    env: {read: [A";
	struct world w;
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		snprintf(lines + strlen(lines), 32, ", VARIABLE_%u", i);
	strcat(lines, "]}\n");
	open_world(&w, "", lines);
	deviates(&w, WIRE_ENV_READ, lab_text(&w.lab, TARGET_VARIABLE, "PATH"));
	const char *expected = w.lab.outcomes[0].expected;
	assert_true(strlen(expected) < 150);
	assert_non_null(strstr(expected, ", VARIABLE_5"));
	assert_non_null(strstr(expected, " more"));
	close_world(&w);
}

/* Far more different events than are remembered; then one that was seen long ago. */
static void test_memory_is_bounded(void **state)
{
	struct world w;
	(void)state;
	open_world(&w, "", "    file: {read: [\"/even/*\"]}\n");
	enum { TARGETS = 100 };
	uint32_t targets[TARGETS];
	for (unsigned i = 0; i < TARGETS; i++)
		targets[i] = lab_path(&w.lab, i % 2 ? "/odd/x" : "/even/x");
	for (unsigned i = 0; i < 300000; i++) {
		w.lab.event.function = (uint16_t)(i / TARGETS);
		const struct outcome *o =
			lab_do(&w.lab, w.chain, WIRE_FILE_READ, targets[i % TARGETS], 0);
		assert_int_equal(o->kind, i % 2 ? OUTCOME_DEVIATES : OUTCOME_ALLOWED);
	}
	deviates(&w, WIRE_FILE_READ, targets[1]);
	close_world(&w);
}

/* The same policy on further models does not remember the ids of the ones before, even where a new
 * model lies where the old one was. */
static void test_another_model(void **state)
{
	struct world w;
	(void)state;
	open_world(&w, "", "    file: {read: [/a]}\n");
	allowed(&w, WIRE_FILE_READ, lab_path(&w.lab, "/a"));
	for (unsigned i = 0; i < 8; i++) {
		model_free(w.lab.model);
		w.lab = (struct lab){.policy = w.lab.policy, .model = model_new()};
		w.app = lab_main(&w.lab, "/opt/app", "");
		w.lib = lab_library(&w.lab, "liblib.so");
		w.process = lab_process(&w.lab, 0, 0, w.app, "/opt/app", "");
		w.chain = lab_chain(&w.lab, w.process, w.lib, w.app);
		uint32_t target = lab_path(&w.lab, i % 2 ? "/a" : "/b");
		check_at(&w, WIRE_FILE_READ, target, 0, i % 2 ? OUTCOME_ALLOWED : OUTCOME_DEVIATES,
			 __LINE__);
	}
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_and_ports),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_unix_sockets),
		cmocka_unit_test(test_what_counts),
		cmocka_unit_test(test_listening),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_two_paths),
		cmocka_unit_test(test_own_files),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_guards_of_files),
		cmocka_unit_test(test_base_grants),
		cmocka_unit_test(test_dates_and_words),
		cmocka_unit_test(test_long_phrase),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_another_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
