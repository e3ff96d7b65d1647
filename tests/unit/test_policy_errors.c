/* SPDX-License-Identifier: Apache-2.0
 *
 * Every class of error, to the letter: place, words, source line, caret. And that nothing is ever
 * half-loaded (lab_load checks: errors if and only if there is no policy).
 */
#include <sys/stat.h>
#include <unistd.h>

#include "test_policy_lab.h"


static void check(const char *text, const char *expected)
{
	char *errors = NULL;
	struct policy *policy = lab_load_one(text, &errors);
	policy_free(policy);
	assert_string_equal(errors, expected);
	free(errors);
}

#define P "version: 1\nprofiles:\n  - name: a\n    match: {library: a.so}\n"

static const struct {
	const char *text, *expected;
} cases[] = {
	{P "    foo: 1\n", "p.yaml:5:5: error: unknown key \"foo\" (did you mean \"file\"?)\n"
			   "    foo: 1\n"
			   "    ^\n"},
	{P "    zzzzzz: 1\n", "p.yaml:5:5: error: unknown key \"zzzzzz\"\n    zzzzzz: 1\n    ^\n"},
	{P "    file: none\n    file: any\n",
	 "p.yaml:6:5: error: duplicate key \"file\" (it already stands in line 5)\n"
	 "    file: any\n    ^\n"},
	{P "    file: &x none\n",
	 "p.yaml:5:11: error: anchors are not part of the language\n    file: &x none\n          ^\n"},
	{P "    file: !!str none\n",
	 "p.yaml:5:11: error: tags are not part of the language\n    file: !!str none\n          ^\n"},
	{P "    network: 7\n", "p.yaml:5:14: error: \"network\" must be any, none or a mapping, not \"7\"\n"
			       "    network: 7\n             ^\n"},
	{P "    file: {read: /x}\n",
	 "p.yaml:5:18: error: \"read\" must be any, none or a list, not \"/x\"\n"
	 "    file: {read: /x}\n                 ^\n"},
	{P "    reason: [a]\n", "p.yaml:5:13: error: \"reason\" must be text, not a list\n"
				"    reason: [a]\n            ^\n"},
	{P "    reason:\n", "p.yaml:5:12: error: \"reason\" must be text, and this is empty\n"
			    "    reason:\n           ^\n"},
	{P "    carries: [net.*, {a: b}]\n",
	 "p.yaml:5:22: error: \"carries\" must be text or a list of texts, not a mapping\n"
	 "    carries: [net.*, {a: b}]\n                     ^\n"},
	{P "    file: {read: [\"/a[\"]}\n",
	 "p.yaml:5:19: error: bad glob \"/a[\": `[` is never closed\n"
	 "    file: {read: [\"/a[\"]}\n                  ^\n"},
	{P "    file: {read: [etc/x]}\n",
	 "p.yaml:5:19: error: \"etc/x\" can never match, a path glob starts with /, ~/ or **\n"
	 "    file: {read: [etc/x]}\n                  ^\n"},
	{P "    network: {connect: [{to: [10.0.0.0/33]}]}\n",
	 "p.yaml:5:31: error: bad CIDR \"10.0.0.0/33\": at most /32\n"
	 "    network: {connect: [{to: [10.0.0.0/33]}]}\n                              ^\n"},
	{P "    network: {connect: [{to: 10.0.0/8}]}\n",
	 "p.yaml:5:30: error: bad CIDR \"10.0.0/8\"\n"
	 "    network: {connect: [{to: 10.0.0/8}]}\n                             ^\n"},
	{P "    network: {connect: [{to: 10.0.0.300}]}\n",
	 "p.yaml:5:30: error: bad address \"10.0.0.300\" (a port belongs in \"ports\")\n"
	 "    network: {connect: [{to: 10.0.0.300}]}\n                             ^\n"},
	{P "    network: {connect: [{to: \"a b\"}]}\n",
	 "p.yaml:5:30: error: bad host name \"a b\"\n"
	 "    network: {connect: [{to: \"a b\"}]}\n                             ^\n"},
	{P "    network: {connect: [{to: \"unix:x\"}]}\n",
	 "p.yaml:5:30: error: bad peer \"unix:x\": a Unix socket is unix:/path or unix:@name\n"
	 "    network: {connect: [{to: \"unix:x\"}]}\n                             ^\n"},
	{P "    network: {connect: [{ports: [80-70]}]}\n",
	 "p.yaml:5:34: error: bad port range \"80-70\": it runs backwards\n"
	 "    network: {connect: [{ports: [80-70]}]}\n                                 ^\n"},
	{P "    network: {connect: [{ports: 65536}]}\n",
	 "p.yaml:5:33: error: bad port range \"65536\"\n"
	 "    network: {connect: [{ports: 65536}]}\n                                ^\n"},
	{P "    network: {connect: [{proto: icmp}]}\n",
	 "p.yaml:5:33: error: \"proto\" must be tcp or udp, not \"icmp\"\n"
	 "    network: {connect: [{proto: icmp}]}\n                                ^\n"},
	{P "    network: {connect: [example.org]}\n",
	 "p.yaml:5:25: error: a peer is a mapping: {to: \"example.org\"}\n"
	 "    network: {connect: [example.org]}\n                        ^\n"},
	{P "    network: {connect: [{to: []}]}\n",
	 "p.yaml:5:25: error: an empty list matches nothing, leave the key out to match any\n"
	 "    network: {connect: [{to: []}]}\n                        ^\n"},
	{P "    file: {read: [\"${NOT_THERE}/x\"]}\n",
	 "p.yaml:5:19: error: ${NOT_THERE} is not set\n"
	 "    file: {read: [\"${NOT_THERE}/x\"]}\n                  ^\n"},
	{P "    file: {read: [\"/${1}\"]}\n",
	 "p.yaml:5:19: error: bad variable in \"/${1}\", it is written ${NAME}\n"
	 "    file: {read: [\"/${1}\"]}\n                  ^\n"},
	{P "    carries: [net.conect]\n",
	 "p.yaml:5:15: error: unknown action \"net.conect\" (did you mean \"net.connect\"?)\n"
	 "    carries: [net.conect]\n              ^\n"},
	{P "    role: conduct\n", "p.yaml:5:11: error: \"role\" must be conduit, not \"conduct\"\n"
				  "    role: conduct\n          ^\n"},
	{P "    severity: hot\n",
	 "p.yaml:5:15: error: unknown severity \"hot\", there are low, medium, high and critical\n"
	 "    severity: hot\n              ^\n"},
	{P "    exempt: [foo]\n",
	 "p.yaml:5:14: error: unknown guard \"foo\"\n    exempt: [foo]\n             ^\n"},
	{"version: 1\nredact: [\"a(b\", \"glob:[x\"]\n",
	 "p.yaml:2:10: error: bad pattern \"a(b\" at character 4: missing closing parenthesis\n"
	 "redact: [\"a(b\", \"glob:[x\"]\n         ^\n"
	 "p.yaml:2:17: error: bad glob \"glob:[x\": `[` is never closed\n"
	 "redact: [\"a(b\", \"glob:[x\"]\n                ^\n"},
	{P "    threads: shared\n", "p.yaml:5:14: error: \"threads\" must be pool, not \"shared\"\n"
				    "    threads: shared\n             ^\n"},
	{P "    judge: success\n", "p.yaml:5:12: error: \"judge\" must be attempts, not \"success\"\n"
				   "    judge: success\n           ^\n"},
	{P "    watch: [descendents]\n",
	 "p.yaml:5:13: error: \"watch\" takes descendants and anywhere, not \"descendents\" (did you mean "
	 "\"descendants\"?)\n    watch: [descendents]\n            ^\n"},
	{P "    phase: lode\n",
	 "p.yaml:5:12: error: unknown phase \"lode\", there are load, startup and steady (did you mean "
	 "\"load\"?)\n    phase: lode\n           ^\n"},
	{P "    exec: {run: [{program: x, child: his}]}\n",
	 "p.yaml:5:38: error: \"child\" must be own, mine or free, not \"his\"\n"
	 "    exec: {run: [{program: x, child: his}]}\n"
	 "                                     ^\n"},
	{P "    network: {exchange: strict}\n",
	 "p.yaml:5:25: error: \"exchange\" must be request-response or any, not \"strict\"\n"
	 "    network: {exchange: strict}\n                        ^\n"},
	{P "    file: {rename: [{from: /a}]}\n",
	 "p.yaml:5:21: error: \"from\" and \"to\" go together\n"
	 "    file: {rename: [{from: /a}]}\n                    ^\n"},
	{P "    exec: {code: [x]}\n", "p.yaml:5:18: error: \"code\" must be any or none, not a list\n"
				      "    exec: {code: [x]}\n                 ^\n"},
	{P "    exec: {run: [{program: x, expires: 2027-02-30}]}\n",
	 "p.yaml:5:40: error: bad date \"2027-02-30\", it is written 2027-06-30\n"
	 "    exec: {run: [{program: x, expires: 2027-02-30}]}\n"
	 "                                       ^\n"},
	{P "  - name: a\n    match: {library: b.so}\n",
	 "p.yaml:5:11: error: profile \"a\" already stands at p.yaml:3; say \"extends: a\" or "
	 "\"replaces: a\"\n  - name: a\n          ^\n"},
	{P "    extends: bb\n", "p.yaml:5:14: error: no profile \"bb\" stands before this\n"
				"    extends: bb\n             ^\n"},
	{P "    replaces: b\n", "p.yaml:5:15: error: no profile \"b\" stands before this\n"
				"    replaces: b\n              ^\n"},
	{P "    file: none\n  - name: b\n    match: {library: a.so}\n    file: any\n",
	 "p.yaml:7:12: error: profile \"b\" ties with profile \"a\" at p.yaml:3: both match \"a.so\"\n"
	 "    match: {library: a.so}\n           ^\n"},
	{P "    file: {read: [/x]}\n  - name: a\n    extends: a\n    file: none\n",
	 "p.yaml:8:1: error: \"file: none\" takes nothing away from what it extends; use replaces\n"
	 "    file: none\n^\n"},
	{"version: 1\nprofiles:\n  - match: {library: x}\n",
	 "p.yaml:3:5: error: a profile needs a \"name\"\n  - match: {library: x}\n    ^\n"},
	{"version: 1\nprofiles:\n  - name: x\n",
	 "p.yaml:3:5: error: profile \"x\" needs a \"match\"\n  - name: x\n    ^\n"},
	{"version: 1\nprofiles:\n  - name: x\n    match: {library: a, script: b}\n",
	 "p.yaml:4:12: error: this can never match, keys of one mapping hold together; write a list "
	 "of mappings for any of them\n    match: {library: a, script: b}\n           ^\n"},
	{"version: 1\nprofiles:\n  - name: x\n    match: {build-id: xyz}\n",
	 "p.yaml:4:23: error: bad build-id \"xyz\"\n    match: {build-id: xyz}\n                      ^\n"},
	{"version: 1\nprofiles:\n  - name: x\n    match: {sha256: xyz}\n",
	 "p.yaml:4:21: error: bad sha256 \"xyz\"\n"
	 "    match: {sha256: xyz}\n                    ^\n"},
	{"version: 1\nprofiles:\n  - name: x\n    match: {library: a, version: \">1\"}\n",
	 "p.yaml:4:34: error: \"version\" goes with \"package\" or \"python\"\n"
	 "    match: {library: a, version: \">1\"}\n                                 ^\n"},
	{"version: 1\nprofiles:\n  - name: x\n    match: {package: a, version: \"1.0\"}\n",
	 "p.yaml:4:34: error: bad version range \"1.0\": a condition begins with <, <=, =, !=, >= or "
	 ">\n    match: {package: a, version: \"1.0\"}\n                                 ^\n"},
	{"version: 1\nprofiles:\n  - name: x\n    match: {python: a, version: \">=1_x\"}\n",
	 "p.yaml:4:33: error: bad version range \">=1_x\": \"1_x\" is no version of a Python "
	 "distribution\n    match: {python: a, version: \">=1_x\"}\n"
	 "                                ^\n"},
	{"version: 1\nprofiles:\n  - name: x\n    match: {package: \"a >= 1\"}\n",
	 "p.yaml:4:22: error: \"a >= 1\" is no package name, versions go into \"version\"\n"
	 "    match: {package: \"a >= 1\"}\n                     ^\n"},
	{"version: 1\nprofiles:\n  - name: x\n    match: {python: a/b}\n",
	 "p.yaml:4:21: error: \"a/b\" is no name of a distribution\n"
	 "    match: {python: a/b}\n                    ^\n"},
	{"version: 1\nprofiles:\n  - name: x\n    match: {library: a, origin: b}\n",
	 "p.yaml:4:12: error: this can never match, keys of one mapping hold together; write a list "
	 "of mappings for any of them\n    match: {library: a, origin: b}\n           ^\n"},
	{"version: 1\ngrants:\n  - via: [getadrinfo]\n    file: any\n",
	 "p.yaml:3:11: error: unknown function \"getadrinfo\" (did you mean \"getaddrinfo\"?)\n"
	 "  - via: [getadrinfo]\n          ^\n"},
	{"version: 1\ngrants:\n  - reason: x\n",
	 "p.yaml:3:5: error: this grants nothing, it needs network, file, exec or env\n"
	 "  - reason: x\n    ^\n"},
	{"version: 1\nguards:\n  - name: x\n    exec: none\n",
	 "p.yaml:4:11: error: \"none\" says nothing here\n    exec: none\n          ^\n"},
	{"version: 1\nguards:\n  - {name: x, exec: any}\n  - {name: x, exec: any}\n",
	 "p.yaml:4:12: error: guard \"x\" already stands at p.yaml:3\n"
	 "  - {name: x, exec: any}\n           ^\n"},
	{"version: 1\naccept: [{hole: shim, reason: x}]\n",
	 "p.yaml:2:17: error: unknown hole \"shim\"\naccept: [{hole: shim, reason: x}]\n"
	 "                ^\n"},
	{"version: 1\naccept: [{hole: lost}]\n",
	 "p.yaml:2:10: error: an acceptance needs \"reason\"\naccept: [{hole: lost}]\n         ^\n"},
	{"version: 2\n", "p.yaml:1:10: error: unknown version \"2\", this is sowatch policy version 1\n"
			 "version: 2\n         ^\n"},
	{"profiles: []\n", "p.yaml:1:1: error: \"version: 1\" is missing\nprofiles: []\n^\n"},
	{"", "p.yaml: error: the policy is empty, it must say \"version: 1\"\n"},
	{"- a\n", "p.yaml:1:1: error: expected a mapping, not a list\n- a\n^\n"},
	{"version: 1\n---\nversion: 1\n",
	 "p.yaml:2:1: error: a second document, a policy file holds one\n---\n^\n"},
	{"version: 1\n? [a]\n: b\n", "p.yaml:2:3: error: a key must be a word\n? [a]\n  ^\n"},
	{"version: \"1\\0\"\n",
	 "p.yaml:1:10: error: a NUL character in a text\nversion: \"1\\0\"\n         ^\n"},
	{"version: 1\n\tx: 1\n",
	 "p.yaml:2:1: error: found a tab character that violates indentation while scanning a plain "
	 "scalar that began in line 1\n x: 1\n^\n"},
	{"version: 1\nx: \xff\n", "p.yaml:2:4: error: invalid leading UTF-8 octet\nx: \\xff\n   ^\n"},
	{"version: 1\n\"\\e[31m\": 1\n",
	 "p.yaml:2:1: error: unknown key \"\\x1b[31m\"\n\"\\e[31m\": 1\n^\n"},
	{"version: 1\n\xc3\xa4\xc3\xb6: {\xe2\x80\xae: 1}\n",
	 "p.yaml:2:1: error: unknown key \"\xc3\xa4\xc3\xb6\"\n\xc3\xa4\xc3\xb6: {\\xe2\\x80\\xae: 1}\n^\n"},
};

static void test_each(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(cases[i].text, cases[i].expected);
}

/* An alias is refused even where it would be cyclic. */
static void test_aliases(void **state)
{
	char *errors = NULL;
	(void)state;
	assert_null(lab_load_one("version: 1\nprofiles: &a [*a]\n", &errors));
	assert_string_equal(errors,
			    "p.yaml:2:11: error: anchors are not part of the language\n"
			    "profiles: &a [*a]\n          ^\n"
			    "p.yaml:2:15: error: aliases are not part of the language\n"
			    "profiles: &a [*a]\n              ^\n");
	free(errors);
}

static void test_all_at_once_in_order(void **state)
{
	static const struct policy_text texts[] = {
		{(char *)"a.yaml", (char *)"version: 1\nfoo: 1\nbar: 2\n", 25 - 2},
		{(char *)"b.yaml", (char *)"version: [\n", 11},
		{(char *)"c.yaml", (char *)"version: 3\n", 11},
	};
	char *errors = NULL;
	(void)state;
	assert_null(lab_load(texts, 3, NULL, &errors));
	const char *a = strstr(errors, "a.yaml:2:1: error: unknown key \"foo\"");
	const char *b = strstr(errors, "a.yaml:3:1: error: unknown key \"bar\"");
	const char *c = strstr(errors, "b.yaml:2:1: error: ");
	const char *d = strstr(errors, "c.yaml:1:10: error: unknown version");
	assert_non_null(a);
	assert_true(b > a && c > b && d > c);
	free(errors);
}

/* Depth, width, length: an error or a bounded result. */
static void test_oversized(void **state)
{
	char *errors = NULL, *text = malloc(5 << 20);
	(void)state;
	strcpy(text, "version: 1\nx: ");
	memset(text + 14, '[', 100000);
	text[100014] = 0;
	assert_null(lab_load_one(text, &errors));
	assert_non_null(strstr(errors, "nested too deeply"));
	free(errors);

	size_t len = 11;
	strcpy(text, "version: 1\n");
	for (unsigned i = 0; i < 5000; i++)
		len += (size_t)sprintf(text + len, "key%u: x\n", i);
	assert_null(lab_load_one(text, &errors));
	assert_non_null(strstr(errors, "\n… and 4000 more\n"));
	free(errors);

	len = (size_t)sprintf(text, "version: 1\nprofiles: [");
	while (len < (4u << 20)) {
		memcpy(text + len, "a,", 2);
		len += 2;
	}
	strcpy(text + len, "]\n");
	assert_null(lab_load_one(text, &errors));
	assert_non_null(strstr(errors, "too many entries"));
	assert_true(strlen(errors) < 1000); /* a 4 MB line is shown in part */
	free(errors);
	free(text);
}

static void test_files(void **state)
{
	char directory[] = "/tmp/sowatch-policy-XXXXXX", path[128], *errors = NULL;
	const char *paths[] = {directory, path};
	struct policy *policy = NULL;
	size_t bytes;
	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/missing.yaml", directory);
	FILE *file = open_memstream(&errors, &bytes);
	struct policy_options options = {.errors = file};
	assert_int_equal(policy_load(paths, 2, &options, &policy), 2);
	fclose(file);
	char expected[512];
	snprintf(expected, sizeof(expected),
		 "%s: error: holds no *.yaml file\n"
		 "%s: error: cannot be read: No such file or directory\n", directory, path);
	assert_string_equal(errors, expected);
	assert_null(policy);
	free(errors);
	rmdir(directory);
}

/* A pipe would never end; a byte order mark is no part of the text. */
static void test_odd_files(void **state)
{
	char directory[] = "/tmp/sowatch-policy-XXXXXX", pipe[128], marked[128], *errors = NULL;
	const char *paths[] = {directory};
	struct policy *policy = NULL;
	size_t bytes;
	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(pipe, sizeof(pipe), "%s/a.yaml", directory);
	snprintf(marked, sizeof(marked), "%s/b.yaml", directory);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	FILE *file = fopen(marked, "w");
	assert_non_null(file);
	fputs("\xef\xbb\xbfversion: 1\nprofiles: []\n", file);
	fclose(file);
	file = open_memstream(&errors, &bytes);
	struct policy_options options = {.errors = file};
	assert_int_equal(policy_load(paths, 1, &options, &policy), 1);
	fflush(file);
	assert_non_null(strstr(errors, "/a.yaml: error: is not a regular file\n"));
	assert_null(policy);
	unlink(pipe);
	assert_int_equal(policy_load(paths, 1, &options, &policy), 0);
	assert_non_null(policy);
	policy_free(policy);
	fclose(file);
	free(errors);
	unlink(marked);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),	  cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_all_at_once_in_order), cmocka_unit_test(test_oversized),
		cmocka_unit_test(test_files),		     cmocka_unit_test(test_odd_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
