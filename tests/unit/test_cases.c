/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of cases: what passes, fails and is broken, what mistakes are told, and that no text
 * whatever does more than be refused.
 */
#include "collector/cases/cases.h"
#include "test_policy_lab.h"

static const char policy_text[] =
	"guards: [{name: memory, exec: {inspect: any}, severity: critical, reason: looking}]\n"
	"profiles:\n"
	"  - name: carrier\n"
	"    match: {library: \"libcarrier.so.1\"}\n"
	"    carries: [net.*]\n"
	"    network: none\n"
	"    file: none\n"
	"  - name: worker\n"
	"    match: {library: \"libworker.so.1\"}\n"
	"    severity: high\n"
	"    network: {connect: [{to: [good.example.org], ports: [443], id: home}]}\n"
	"    file: {read: [\"/srv/**\", {path: /old, expires: 2020-06-30}]}\n"
	"    exec: none\n"
	"  - name: boss\n"
	"    match: {script: \"/s/boss.sh\"}\n"
	"    watch: descendants\n"
	"    exec: {run: [{program: ls, args: [\"-l\"]}]}\n"
	"  - name: shell\n"
	"    match: {executable: \"/usr/bin/bash\"}\n"
	"    role: conduit\n"
	"  - name: dist\n"
	"    match: {python: shiny}\n"
	"    network: none\n";

static struct policy *load_policy(void)
{
	char *errors = NULL, *whole = NULL;
	assert_true(asprintf(&whole, "version: 1\n%s", policy_text) > 0);
	struct policy *policy = lab_load_one(whole, &errors);
	if (!policy)
		fail_msg("%s", errors);
	free(errors);
	free(whole);
	return policy;
}

/* "passed passed broken": how every event of the cases goes; *ret_problem: the last problem. */
static void run(const char *text, char *ret_words, size_t bytes, char *ret_problem)
{
	static const char *const words[] = {"passed", "failed", "broken"};
	struct policy *policy = load_policy();
	struct cases *cases;
	struct case_result result;
	char *whole = NULL;
	assert_true(asprintf(&whole, "version: 1\ncases:\n%s", text) > 0);
	assert_int_equal(cases_load_text("c.yaml", whole, strlen(whole), stderr, &cases), 0);
	*ret_words = 0;
	for (uint32_t i = 0; i < cases->count; i++)
		for (uint32_t at = 0; at < cases->list[i].object_count; at++) {
			case_judge(cases, &cases->list[i], at, policy, &result);
			snprintf(ret_words + strlen(ret_words), bytes - strlen(ret_words), "%s%s",
				 *ret_words ? " " : "", words[result.verdict]);
			snprintf(ret_problem, 512, "%s", result.problem ? result.problem : "");
		}
	cases_free(cases);
	policy_free(policy);
	free(whole);
}

static void check(const char *text, const char *expected)
{
	char words[512], problem[512];
	run(text, words, sizeof(words), problem);
	if (strcmp(words, expected))
		fail_msg("%s\nis %s (%s), not %s", text, words, problem, expected);
}

#define WORKER "  - {name: a, chain: [libworker.so.1, app], "

static void test_outcomes(void **state)
{
	(void)state;
	check(WORKER "action: file.read, object: /srv/x, expect: allowed}\n", "passed");
	check(WORKER "action: file.read, object: [/srv/x, /etc/x], expect: allowed}\n",
	      "passed failed");
	check(WORKER "action: exec.run, object: /usr/bin/ls, expect: deviates}\n", "passed");
	check(WORKER "action: exec.run, object: /usr/bin/ls, result: ENOENT, expect: deviates}\n",
	      "failed");
	check(WORKER "action: env.read, object: HOME, expect: not-judged}\n", "passed");
	check(WORKER "action: net.connect, object: good.example.org:443, expect: allowed}\n",
	      "passed");
	check(WORKER "action: net.connect, object: [good.example.org:80, bad.example.org:443, "
		     "\"[::1]:443\"], expect: deviates}\n",
	      "passed passed passed");
	/* Without a time every rule holds. */
	check(WORKER "action: file.read, object: /old, expect: allowed}\n", "passed");
	check(WORKER "action: file.read, object: /old, time: 2020-07-01, expect: deviates}\n",
	      "passed");
}

static void test_details(void **state)
{
	(void)state;
	check(WORKER "action: exec.run, object: /usr/bin/ls, expect: {outcome: deviates, charged: "
		     "libworker.so.1, profile: worker, severity: high, method: exact}}\n",
	      "passed");
	check(WORKER "action: exec.run, object: /usr/bin/ls, expect: {outcome: deviates, severity: "
		     "low}}\n",
	      "failed");
	check(WORKER
	      "action: net.connect, object: good.example.org:443, expect: {outcome: allowed, "
	      "rule: home}}\n",
	      "passed");
	check(WORKER
	      "action: net.connect, object: good.example.org:443, expect: {outcome: allowed, "
	      "rule: \"p.yaml:12\"}}\n",
	      "passed");
	check(WORKER
	      "action: net.connect, object: good.example.org:443, expect: {outcome: allowed, "
	      "rule: \"p.yaml:13\"}}\n",
	      "failed");
	check(WORKER "partial: yes, action: exec.run, object: /usr/bin/ls, expect: {outcome: "
		     "deviates, method: exact}}\n",
	      "passed");
}

/* A list is all deviations there are, each with an expectation of its own. */
static void test_lists(void **state)
{
	(void)state;
	check(WORKER "action: exec.inspect, object: {pid: 9}, expect: [{profile: guards, rule: "
		     "memory}, {profile: worker}]}\n",
	      "passed");
	check(WORKER "action: exec.inspect, object: {pid: 9}, expect: [{}, {profile: guards}]}\n",
	      "passed");
	check(WORKER "action: exec.inspect, object: {pid: 9}, expect: [{profile: guards}]}\n",
	      "failed");
	check(WORKER
	      "action: exec.inspect, object: {pid: 9}, expect: [{profile: guards}, {profile: "
	      "guards}]}\n",
	      "failed");
	check(WORKER "action: exec.inspect, object: {pid: 9}, expect: {outcome: deviates, profile: "
		     "guards}}\n",
	      "passed");
}

static void test_chains(void **state)
{
	(void)state;
	check("  - {name: a, chain: [libcarrier.so.1, libworker.so.1, app], action: net.connect, "
	      "object: \"127.0.0.66:1\", expect: {outcome: deviates, charged: libworker.so.1}}\n"
	      "  - {name: b, chain: [/tmp/libcarrier.so.1, app], action: net.connect, object: "
	      "\"127.0.0.66:1\", expect: {outcome: deviates, charged: libcarrier.so.1}}\n"
	      "  - {name: c, chain: [/usr/bin/bash], started-by: [/usr/bin/bash, {script: "
	      "/s/boss.sh}], action: exec.run, object: {program: /usr/bin/ls, argv: [ls, -l]}, "
	      "expect: {outcome: allowed, charged: boss.sh}}\n"
	      "  - {name: d, chain: [{executable: /usr/bin/x, profile: none}], started-by: "
	      "[[/usr/bin/bash], [/usr/bin/bash, {script: /s/boss.sh}]], action: exec.run, object: "
	      "/usr/bin/ls, expect: {outcome: deviates, judged-by: boss.sh}}\n"
	      "  - {name: e, chain: [libcarrier.so.1], thread-of: [libworker.so.1, app], action: "
	      "net.connect, object: \"127.0.0.66:1\", expect: {outcome: deviates, charged: "
	      "libworker.so.1}}\n"
	      "  - {name: f, chain: [{python: shiny}, app], action: net.connect, object: "
	      "\"127.0.0.66:1\", expect: {outcome: deviates, charged: shiny}}\n"
	      "  - {name: g, chain: [app, libworker.so.1, app], action: exec.run, object: "
	      "/usr/bin/ls, expect: {outcome: not-judged, charged: app}}\n",
	      "passed passed passed passed passed passed passed");
}

/* A case about nobody says nothing. */
static void test_broken(void **state)
{
	(void)state;
	char words[64], problem[512];
	check("  - {name: a, chain: [libnobody.so.1, app], action: exec.run, object: /usr/bin/ls, "
	      "expect: not-judged}\n",
	      "broken");
	check("  - {name: a, chain: [{library: libnobody.so.1, profile: none}, app], action: "
	      "exec.run, object: /usr/bin/ls, expect: not-judged}\n",
	      "passed");
	check("  - {name: a, chain: [{library: libworker.so.1, profile: none}, app], action: "
	      "exec.run, object: /usr/bin/ls, expect: deviates}\n",
	      "broken");
	check("  - {name: a, chain: [{library: libworker.so.1, profile: carrier}, app], action: "
	      "exec.run, object: /usr/bin/ls, expect: deviates}\n",
	      "broken");
	check(WORKER
	      "action: exec.run, object: /usr/bin/ls, expect: {outcome: deviates, charged: x}}\n",
	      "broken");
	run("  - {name: a, chain: [libwokrer.so.1, app], action: exec.run, object: /usr/bin/ls, "
	    "expect: deviates}\n",
	    words, sizeof(words), problem);
	assert_non_null(strstr(problem, "no profile matches library \"libwokrer.so.1\""));
}

/* What was told about a text; it must not load. */
static char *mistakes(const char *text)
{
	char *errors = NULL;
	size_t bytes;
	struct cases *cases;
	FILE *file = open_memstream(&errors, &bytes);
	int wrong = cases_load_text("c.yaml", text, strlen(text), file, &cases);
	fclose(file);
	assert_true(wrong > 0);
	assert_null(cases);
	return errors;
}

static void test_mistakes(void **state)
{
	(void)state;
	static const struct {
		const char *text, *told;
	} all[] = {
		{"version: 1\ncase: []\n", "c.yaml:2:1: error: unknown key \"case\" (did you mean "
					   "\"cases\"?)"},
		{"version: 1\ncases:\n  - {nmae: x}\n",
		 "unknown key \"nmae\" (did you mean \"name\"?)"},
		{"version: 2\ncases: [{}]\n", "must say \"version: 1\""},
		{"version: 1\ncases: []\n", "must be a list of cases"},
		{"version: 1\ncases:\n  - {name: a, chain: [foo], action: exec.run, object: /x, "
		 "expect: allowed}\n",
		 "\"foo\": a soname"},
		{"version: 1\ncases:\n  - {name: a, chain: [app], action: exec.ran, object: /x, "
		 "expect: allowed}\n",
		 "unknown action \"exec.ran\" (did you mean \"exec.run\"?)"},
		{"version: 1\ncases:\n  - {name: a, chain: [app], action: exec.run, object: /x, "
		 "expect: alowed}\n",
		 "unknown outcome \"alowed\" (did you mean \"allowed\"?)"},
		{"version: 1\ncases:\n  - {name: a, chain: [app], action: net.connect, object: "
		 "\"1.2.3.4\", expect: allowed}\n",
		 "is no peer"},
		{"version: 1\ncases:\n  - {name: a, chain: [app], action: net.connect, object: "
		 "\"1.2.3.4:70000\", expect: allowed}\n",
		 "is no peer"},
		{"version: 1\ncases:\n  - {name: a, chain: [/bin/a, /bin/b], action: exec.run, "
		 "object: /x, expect: allowed}\n",
		 "started-by"},
		{"version: 1\ncases:\n  - {name: a, chain: [{script: /x}, app], action: exec.run, "
		 "object: /x, expect: allowed}\n",
		 "a script stands last"},
		{"version: 1\ncases:\n  - {name: a, name: b, log: x, expect: {verdict: clean}}\n",
		 "duplicate key"},
		{"version: 1\ncases:\n  - {name: a, log: x, chain: [app], expect: {verdict: "
		 "clean}}\n",
		 "says nothing beside a log"},
		{"version: 1\ncases:\n  - {name: a, log: x, expect: {verdict: good}}\n",
		 "unknown verdict \"good\""},
		{"version: 1\ncases:\n  - {name: a, chain: [app], action: exec.run, object: /x, "
		 "time: yesterday, expect: allowed}\n",
		 "is no time"},
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char *errors = mistakes(all[i].text);
		if (!strstr(errors, all[i].told))
			fail_msg("%s\ntold was:\n%s\nnot: %s", all[i].text, errors, all[i].told);
		free(errors);
	}
}

/* --- any text ----------------------------------------------------------------------------------
 */

static void swallow(struct policy *policy, const char *text, size_t len)
{
	struct cases *cases;
	struct case_result result;
	int wrong = cases_load_text("c.yaml", text, len, NULL, &cases);
	assert_int_equal(!wrong, cases != NULL);
	for (uint32_t i = 0; cases && i < cases->count; i++)
		for (uint32_t at = 0; at < cases->list[i].object_count; at++)
			case_judge(cases, &cases->list[i], at, policy, &result);
	cases_free(cases);
}

static const char seed[] =
	"version: 1\n"
	"cases:\n"
	"  - name: \"a\"\n"
	"    chain: [libworker.so.1, {library: /tmp/libcarrier.so.1, package: none, build-id: "
	"ab},\n"
	"      {python: shiny, version: 1.2}, /usr/bin/bash, {script: /s/boss.sh, origin: x:443}]\n"
	"    thread-of: [libworker.so.1, app]\n"
	"    started-by: [[/usr/bin/bash], [/usr/bin/x, {script: /s/boss.sh}]]\n"
	"    action: net.connect\n"
	"    object: [\"1.2.3.4:443/tcp\", \"[::1]:80\", unix:/x, {address: \"::ffff:1.2.3.4\", "
	"port: 1}]\n"
	"    result: ECONNREFUSED\n"
	"    via: [getaddrinfo, dlopen]\n"
	"    phase: load\n"
	"    time: 2027-06-30T12:00:00Z\n"
	"    process: {home: /h, cwd: /, argv: [a, b], uid: 7}\n"
	"    expect: [{charged: libworker.so.1, severity: high}, {profile: guards, rule: "
	"\"x:1\"}]\n"
	"  - {name: b, chain: app, action: file.rename, object: {path: /a, to: /b}, expect: "
	"allowed}\n"
	"  - {name: c, chain: app, action: exec.code, expect: allowed}\n";

static void test_any_text(void **state)
{
	(void)state;
	struct policy *policy = load_policy();
	char text[sizeof(seed)];
	unsigned random = 1;
	swallow(policy, seed, sizeof(seed) - 1);
	for (size_t len = 0; len < sizeof(seed); len++)
		swallow(policy, seed, len);
	for (unsigned round = 0; round < 4000; round++) {
		static const char bytes[] = "\0\xff[]{}:,-\"'&*!\n #a1./\t";
		memcpy(text, seed, sizeof(seed));
		for (unsigned i = 0; i < 1 + round % 4; i++) {
			random = random * 1103515245 + 12345;
			size_t at = (random >> 8) % (sizeof(seed) - 1);
			random = random * 1103515245 + 12345;
			text[at] = bytes[(random >> 8) % (sizeof(bytes) - 1)];
		}
		swallow(policy, text, sizeof(seed) - 1);
	}
	policy_free(policy);
}

/* Deep, wide and long: refused or judged, in bounded time. */
static void test_sizes(void **state)
{
	(void)state;
	struct policy *policy = load_policy();
	size_t room = 4u << 20, len = 0;
	char *text = malloc(room);
	assert_non_null(text);
	len = (size_t)sprintf(text, "version: 1\ncases:\n  - {name: a, chain: ");
	memset(text + len, '[', 100000);
	swallow(policy, text, len + 100000);
	len = (size_t)sprintf(text,
			      "version: 1\ncases:\n  - {name: a, action: file.read, object: /x, "
			      "expect: allowed, chain: [");
	for (unsigned i = 0; i < 100000; i++)
		len += (size_t)sprintf(text + len, "app,");
	len += (size_t)sprintf(text + len, "]}\n");
	swallow(policy, text, len);
	len = (size_t)sprintf(text, "version: 1\ncases:\n");
	for (unsigned i = 0; i < 2000; i++)
		len += (size_t)sprintf(text + len, "  - {name: a, chain: [app], action: file.read, "
						   "object: /x, expect: allowed}\n");
	swallow(policy, text, len);
	free(text);
	policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes), cmocka_unit_test(test_details),
		cmocka_unit_test(test_lists),	 cmocka_unit_test(test_chains),
		cmocka_unit_test(test_broken),	 cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_any_text), cmocka_unit_test(test_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
