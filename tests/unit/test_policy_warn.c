/* SPDX-License-Identifier: Apache-2.0
 *
 * Every warning of policy check: told where it should be, under its name, and not where it should
 * not. And the shipped policies, which are to give none.
 */
#include "test_policy_lab.h"

struct told {
	char text[4096];
	unsigned count, errors;
};

static void tell(void *arg, const struct policy_problem *problem)
{
	struct told *told = arg;
	size_t len = strlen(told->text);
	told->count++;
	told->errors += !problem->is_warning;
	snprintf(told->text + len, sizeof(told->text) - len, "%s:%u %s: %s\n",
		 problem->file ? problem->file : "-", problem->line, problem->id, problem->message);
}

static void load(const struct policy_text *texts, unsigned count, struct told *told)
{
	struct policy *policy = NULL;
	struct policy_options options = {
		.is_warning = true, .problem = tell, .problem_arg = told};
	policy_load_texts(texts, count, &options, &policy);
	policy_free(policy);
}

#define ALL(match, rest)                                                                           \
	"version: 1\nprofiles:\n  - name: a\n    match: " match "\n    " rest "\n"
#define P "version: 1\nprofiles:\n  - name: a\n    match: {library: a.so}\n"
#define SHADOWED(what) "p.yaml:5 shadowed: this is never needed: \"" what "\" at p.yaml:5 holds it\n"

static const struct {
	const char *text, *expected;
} cases[] = {
	{P "    file: {read: [/a/**, /a/b, /a/c/**, /b, \"/[ab]\"]}\n",
	 SHADOWED("/a/**") SHADOWED("/a/**") SHADOWED("/[ab]")},
	{P "    file: {read: [\"~/**\", /a/b, \"/a*\", \"/a*b\"]}\n", ""},
	{P "    file: {rename: [{from: /a/**, to: /b/**}, {from: /a/x, to: /b/y}, {from: /a/x, to: /c}]}\n",
	 SHADOWED("/a/** to /b/**")},
	{P "    file: {read: [{path: /a/**, expires: 2990-01-01}, /a/b]}\n", ""},
	{P "    file: {read: [/a/**, {path: /a/b, expires: 2990-01-01}]}\n", SHADOWED("/a/**")},
	{P "    file: {read: [{path: /a/**, phase: load}, /a/b]}\n", ""},
	{P "    file: {read: [/a/**, {path: /a/b, phase: load}]}\n", SHADOWED("/a/**")},
	{P "    exec: {run: [git, {program: git, args: [log]}, {program: hg, args: [x, \"**\"]}, "
	   "{program: hg, args: [x, y]}, {program: cc, args: []}, {program: cc, args: [x]}]}\n",
	 SHADOWED("git") SHADOWED("hg x **")},
	{P "    exec: {run: [{program: git, child: free}, {program: git, args: [log]}]}\n", ""},
	{P "    network: {connect: [{to: 10.0.0.0/8, ports: 1-100}, {to: 10.1.0.0/16, ports: 22}]}\n",
	 SHADOWED("10.0.0.0/8 port 1-100")},
	{P "    network: {connect: [{to: 10.0.0.0/8, ports: 1-100}, {to: 10.1.0.0/16, ports: 101}, "
	   "{to: 10.2.0.0/16}, {to: 11.0.0.1, ports: 1}]}\n", ""},
	{P "    network: {connect: [{to: 10.0.0.0/8, proto: udp}, {to: 10.1.0.0/16, proto: tcp}]}\n", ""},
	{P "    network: {connect: [{to: \"*.example.org\"}, {to: [\"*.b.example.org\", a.example.org]}]}\n",
	 SHADOWED("*.example.org")},
	{P "    file: {read: [/a, /a]}\n", "p.yaml:5 twice: this already stands at p.yaml:5\n"},
	{P "    file: {read: [{path: /a, expires: 2020-01-01}]}\n", "p.yaml:5 expired: this has expired\n"},
	{P "    file: {read: [/a//b, /a/../b, /a/./b, /a/, /a/b, /a.b/..c, \"/b/**\"]}\n",
	 "p.yaml:5 never: \"/a//b\" can never match, a real path has no \"//\"\n"
	 "p.yaml:5 never: \"/a/../b\" can never match, a real path has no \"/..\"\n"
	 "p.yaml:5 never: \"/a/./b\" can never match, a real path has no \"/.\"\n"
	 "p.yaml:5 never: \"/a/\" can never match, a real path has no \"/\" at its end\n"},
	{P "    network: {connect: [{to: \"unix:/run//x\"}, {to: \"unix:@x//\", ports: 1}]}\n",
	 "p.yaml:5 never: \"/run//x\" can never match, a real path has no \"//\"\n"
	 "p.yaml:5 never: a Unix socket has neither \"ports\" nor \"proto\", they do not count here\n"},
	{"version: 1\nprofiles:\n  - name: a\n    match: {library: [libfoo, \"libbar*\", c.so.1, /x/y, /x//z]}\n",
	 "p.yaml:4 never: no library is called \"libfoo\", the name of one holds \".so\"\n"
	 "p.yaml:4 never: \"/x//z\" can never match, a real path has no \"//\"\n"},
	{"version: 1\nprofiles:\n  - name: a\n    match: {executable: [bash, /usr/bin/dash]}\n"
	 "    env: {read: [HOME]}\n",
	 "p.yaml:5 never: shells and Python read variables without getenv, which nobody can see: these rules "
	 "can hardly ever match\n"},
	{"version: 1\nprofiles:\n  - name: a\n    match: {python: redis}\n    env: {read: [HOME]}\n",
	 "p.yaml:5 never: shells and Python read variables without getenv, which nobody can see: these rules "
	 "can hardly ever match\n"},
	{"version: 1\nprofiles:\n  - name: a\n    match: {script: [\"**/codecov*\", /x/y.py]}\n    env: none\n",
	 "p.yaml:5 never: shells and Python read variables without getenv, which nobody can see: these rules "
	 "can hardly ever match\n"},
	{"version: 1\nprofiles:\n  - name: a\n    match: {script: [/x/y.py, /x/y.js]}\n    env: {read: [A]}\n", ""},
	{"version: 1\nprofiles:\n  - name: a\n    match: {script: /x/y.py}\n    env: any\n", ""},
	{"version: 1\nprofiles:\n  - name: a\n    match: {executable: [bash, git]}\n    env: {read: [HOME]}\n", ""},
	{"version: 1\nprofiles:\n  - name: a\n    match: {executable: bash}\n    watch: descendants\n"
	 "    env: {read: [HOME]}\n", ""},
	{P "    network: {connect: [{to: \"*.com\"}], resolve: [\"*.co.uk\", \"*.example.net\"]}\n",
	 "p.yaml:5 wide: anybody can have a name that matches \"*.com\": \"com\" is a public suffix\n"
	 "p.yaml:5 wide: anybody can have a name that matches \"*.co.uk\": \"co.uk\" is a public suffix\n"},
	{P "    network: {connect: [{to: \"**.github.io\"}, {to: \"*example.org\"}, {to: example.com}]}\n",
	 "p.yaml:5 wide: anybody can have a name that matches \"**.github.io\": \"github.io\" is a public "
	 "suffix\n"
	 "p.yaml:5 wide: \"*example.org\" also matches names that only end like it, as evilexample.org; write "
	 "\"*.example.org\"\n"},
	{P "    network: {connect: [{to: \"redis*\"}]}\n",
	 "p.yaml:5 wide: \"redis*\" is also the name of any host on the internet\n"},
	{ALL("{python: \"*\"}", "file: {read: any, write: none}"),
	 "p.yaml:3 wide: every Python distribution without a profile of its own may do any file.read\n"},
	{ALL("{library: \"*.so*\"}", "network: any"),
	 "p.yaml:3 wide: every library without a profile of its own may do any net.connect, and 5 more\n"},
	{ALL("{script: \"/**\"}", "exec: {run: [{program: \"/**\"}]}"),
	 "p.yaml:3 wide: every script without a profile of its own may do any exec.run\n"},
	{ALL("{executable: \"*\"}", "network: {connect: [{to: \"0.0.0.0/0\"}]}"),
	 "p.yaml:3 wide: every executable without a profile of its own may do any net.connect\n"},
	{ALL("{library: \"**\"}", "role: conduit"),
	 "p.yaml:3 wide: every library passes on what it does: nobody among them is ever charged with it\n"},
	{ALL("{library: \"*.so*\"}", "carries: [net.*]"),
	 "p.yaml:3 wide: every library passes on what it does: nobody among them is ever charged with it\n"},
	{ALL("{python: \"*\"}", "exempt: g") "guards: [{name: g, exec: {inspect: any}}]\n",
	 "p.yaml:3 wide: no Python distribution is bound by the guards named here\n"},
	{ALL("{python: \"*\"}", "file: {read: [\"/srv/**\", \"~/**\"]}"), ""},
	{ALL("{python: \"*\"}", "network: {connect: [{to: \"0.0.0.0/0\", ports: 443}]}"), ""},
	{ALL("{python: \"*\"}", "network: none"), ""},
	{ALL("{python: \"a*\"}", "file: any"), ""},
	{ALL("{library: \"*\", package: libfoo}", "file: any"), ""},
	{"version: 1\nguards: [{name: g, network: {connect: [{to: \"*.com\"}]}}]\n", ""},
	{"version: 1\nguards:\n  - name: g\n    file: {read: [/a/**, {path: /a/b, severity: low}, /a/c]}\n",
	 "p.yaml:4 shadowed: this is never needed: \"/a/**\" at p.yaml:4 holds it\n"},
};

static void test_each(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct told told = {0};
		struct policy_text text = {(char *)"p.yaml", (char *)cases[i].text,
					   strlen(cases[i].text)};
		load(&text, 1, &told);
		if (strcmp(told.text, cases[i].expected) != 0)
			print_error("%s", cases[i].text);
		assert_string_equal(told.text, cases[i].expected);
		assert_int_equal(told.errors, 0);
	}
}

#define LOW "version: 1\nprofiles:\n  - name: low\n    match: {library: \"a.so.1\"}\n    file: none\n"

static void check_layers(const char *upper, const char *expected)
{
	struct told told = {0};
	struct policy_text texts[] = {{(char *)"l.yaml", (char *)LOW, strlen(LOW)},
				      {(char *)"", (char *)"", 0},
				      {(char *)"u.yaml", (char *)upper, strlen(upper)}};
	load(texts, 3, &told);
	assert_string_equal(told.text, expected);
}

#define UP(match, rest) "version: 1\nprofiles:\n  - name: up\n    match: " match "\n" rest

static void test_layers(void **state)
{
	(void)state;
	check_layers(UP("{library: \"a.so*\"}", "    file: any\n"),
		     "l.yaml:3 unreached: profile \"low\" is never asked: \"up\" at u.yaml:3 is in a later "
		     "layer and answers for all it says\n");
	check_layers(UP("{library: \"b.so*\"}", "    file: any\n"), "");
	check_layers(UP("{library: \"a.so*\"}", "    exec: any\n"), "");
	check_layers(UP("{library: \"a.so*\", package: x}", "    file: any\n"), "");
	check_layers(UP("{library: \"a.so*\"}", "    file: any\n    phase: load\n"), "");
}

/* A rule that two profiles have by `extends` is told of once. */
static void test_extends(void **state)
{
	(void)state;
	struct told told = {0};
	static const char text[] = P "    file: {read: [/a/**, /a/b]}\n"
				     "  - {name: b, extends: a, match: {library: b.so}}\n";
	struct policy_text one = {(char *)"p.yaml", (char *)text, sizeof(text) - 1};
	load(&one, 1, &told);
	assert_int_equal(told.count, 1);
}

/* Errors and warnings come in one order, and a list of many does not take for ever. */
static void test_many(void **state)
{
	(void)state;
	struct told *told = calloc(1, sizeof(*told));
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);
	fputs(P "    file:\n      read:\n", file);
	for (unsigned i = 0; i < 30000; i++)
		fprintf(file, "        - /d%u/**\n", i);
	fputs("        - /d7/x\n", file);
	fclose(file);
	struct policy_text one = {(char *)"p.yaml", text, bytes};
	load(&one, 1, told);
	assert_string_equal(told->text,
			    "p.yaml:30007 shadowed: this is never needed: \"/d7/**\" at p.yaml:14 holds it\n");
	free(text);
	free(told);
}

static void test_shipped(void **state)
{
	(void)state;
	struct told told = {0};
	struct policy *policy = NULL;
	const char *paths[] = {"../../policies"};
	struct policy_options options = {
		.is_warning = true, .problem = tell, .problem_arg = &told};
	policy_load(paths, 1, &options, &policy);
	policy_free(policy);
	assert_string_equal(told.text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),	cmocka_unit_test(test_layers),
		cmocka_unit_test(test_extends), cmocka_unit_test(test_many),
		cmocka_unit_test(test_shipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
