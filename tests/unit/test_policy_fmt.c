/* SPDX-License-Identifier: Apache-2.0
 *
 * policy fmt, to the letter: order, quotes, lines, folding, and where comments go; that the form is
 * its own; and that every shipped policy means the same in it.
 */
#include <errno.h>

#include "policy_meaning.h"
#include "test_policy_lab.h"

static const struct {
	const char *text, *expected;
} cases[] = {
	/* keys in the schema's order, unknown ones behind them as they stood */
	{"profiles:\n- reason: r\n  zzz: 1\n  match: {script: x}\n  aaa: 2\n  name: n\nversion: 1\n",
	 "version: 1\nprofiles:\n  - name: n\n    match: {script: x}\n    reason: r\n    zzz: 1\n    aaa: 2\n"},
	{"version: 1\nprofiles: [{match: {script: x}, name: n}]\n",
	 "version: 1\nprofiles: [{name: n, match: {script: x}}]\n"},
	{"guards: [{file: {read: [{id: i, path: /x}]}, name: g}]\nversion: 1\n",
	 "version: 1\nguards: [{name: g, file: {read: [{path: /x, id: i}]}}]\n"},
	/* quotes */
	{"version: \"1\"\nprofiles:\n  - name: 'a b'\n    reason: \"it's: so\"\n    carries: [\"net.*\"]\n"
	 "    file: {read: [\"/a,b\", '*', \"~/x\", \"**/y\", \"a#b\", \"${X}/z\", \"-\", \"--x\", '']}\n",
	 "version: \"1\"\nprofiles:\n  - name: a b\n    reason: \"it's: so\"\n    carries: [net.*]\n"
	 "    file: {read: [\"/a,b\", \"*\", ~/x, \"**/y\", a#b, \"${X}/z\", \"-\", --x, \"\"]}\n"},
	{"version: 1\nprofiles:\n  - name: x\n    network: {connect: [{ports: [\"80\", 443, "
	 "\"8000-8099\"], to: [\"::1\", \"10.0.0.0/8\", \"unix:/run/x\"]}]}\n",
	 "version: 1\nprofiles:\n  - name: x\n    network: {connect: [{to: [\"::1\", 10.0.0.0/8, unix:/run/x], "
	 "ports: [\"80\", 443, \"8000-8099\"]}]}\n"},
	{"version: 1\nprofiles:\n  - name: \"a\\tb\\u2028c\\x85d\\\\e\\\"\"\n",
	 "version: 1\nprofiles:\n  - name: \"a\\tb\\u2028c\\x85d\\\\e\\\"\"\n"},
	{"version: 1\nprofiles:\n  - name: größe – “x”\n    reason: no\n    message: \"no\"\n",
	 "version: 1\nprofiles:\n  - name: größe – “x”\n    reason: no\n    message: \"no\"\n"},
	/* lists that are sorted, and that are not */
	{"version: 1\nprofiles:\n  - name: x\n    carries: [net.send, net.connect]\n    match:\n"
	 "      library:\n        - b # bee\n        - a\n    file: {read: [/b, /a]}\n"
	 "    exec: {run: [{program: p, args: [z, a]}]}\n",
	 "version: 1\nprofiles:\n  - name: x\n    match:\n      library:\n        - a\n        - b  # bee\n"
	 "    carries: [net.connect, net.send]\n    file: {read: [/b, /a]}\n"
	 "    exec: {run: [{program: p, args: [z, a]}]}\n"},
	{"version: 1\nprofiles:\n  - name: x\n    carries:\n      - net.send\n      # group\n      - net.connect\n",
	 "version: 1\nprofiles:\n  - name: x\n    carries:\n      - net.send\n      # group\n      - net.connect\n"},
	/* lines: what is too long is spread, what is spread stays so; indentation */
	{"version: 1\nprofiles:\n- name: x\n  file:\n   read: [/aaaaaaaaaaaaaaaaaaaaaaaaaa, /bbbbbbbbbbbbbbbbbbbbbbbbbbb, "
	 "/ccccccccccccccccccccccccccc, /d]\n   write:\n   - /a\n",
	 "version: 1\nprofiles:\n  - name: x\n    file:\n      read:\n        - /aaaaaaaaaaaaaaaaaaaaaaaaaa\n"
	 "        - /bbbbbbbbbbbbbbbbbbbbbbbbbbb\n        - /ccccccccccccccccccccccccccc\n        - /d\n      write:\n"
	 "        - /a\n"},
	{"version: 1\nprofiles: []\nguards: {}\n", "version: 1\nguards: {}\nprofiles: []\n"},
	/* folding, and back */
	{"version: 1\nprofiles:\n  - name: x\n    reason: >-\n      short\n      enough\n",
	 "version: 1\nprofiles:\n  - name: x\n    reason: short enough\n"},
	{"version: 1\nprofiles:\n  - name: x\n    reason: 'this is a text that is so long that it does not fit into one "
	 "line of a hundred characters: so'\n",
	 "version: 1\nprofiles:\n  - name: x\n    reason: >-\n      this is a text that is so long that it does not fit "
	 "into one line of a hundred characters: so\n"},
	{"version: 1\nprofiles:\n  - name: x\n    reason: |\n      two\n      lines\n    message: 'a\n\n      b'\n",
	 "version: 1\nprofiles:\n  - name: x\n    reason: \"two\\nlines\\n\"\n    message: \"a\\nb\"\n"},
	/* comments: on top, between, behind, at ends of lines, in what has to be spread for them */
	{"\n\n# top\n\nversion: 1   # one\n\n\n# many\nprofiles: # all\n    # first\n  - name: x # n\n"
	 "    reason: r#s \"t\" # u # v\n    # tail\n  # next\n  - {name: y} # z\n  # last\n# end\n",
	 "# top\n\nversion: 1  # one\n\n# many\nprofiles:  # all\n  # first\n  - name: x  # n\n"
	 "    reason: r#s \"t\"  # u # v\n    # tail\n  # next\n  - {name: y}  # z\n  # last\n# end\n"},
	{"version: 1\nprofiles:\n  - name: x\n    file: {read: [/a, # first\n      /b] } # both\n",
	 "version: 1\nprofiles:\n  - name: x\n    file:\n      read:\n        - /a  # first\n        - /b  # both\n"},
	{"version: 1\nprofiles:\n  # about x\n  - match: {script: x}\n    # its name\n    name: x\n",
	 "version: 1\nprofiles:\n  # about x\n  # its name\n  - name: x\n    match: {script: x}\n"},
	{"version: 1\nprofiles:\n  - name: x\n    reason: >- # why\n      # not a comment\n      b\n\n    # but this\n"
	 "    file: none\n",
	 "version: 1\nprofiles:\n  - name: x\n    reason: \"# not a comment b\"  # why\n\n    # but this\n"
	 "    file: none\n"},
	{"version: 1\nprofiles:\n  - name: 'a # b'\n    reason: \"c\n      # d\n\n      e\"\n",
	 "version: 1\nprofiles:\n  - name: \"a # b\"\n    reason: \"c # d\\ne\"\n"},
	/* what else a file may begin with, and Windows */
	{"\xef\xbb\xbf# c\r\nversion: 1\r\nprofiles: [] # d\r\n", "# c\nversion: 1\nprofiles: []  # d\n"},
	{"%YAML 1.1\n---\n# c\nversion: 1\n...\n", "# c\nversion: 1\n"},
	{"{version: 1, profiles: []}", "version: 1\nprofiles: []\n"},
};

static char *format(const char *text)
{
	char *out = NULL;
	size_t len = 0;
	int error = policy_format("p.yaml", text, strlen(text), stderr, &out, &len);
	if (error)
		print_error("%s", text);
	assert_int_equal(error, 0);
	assert_int_equal(len, strlen(out));
	return out;
}

static void test_each(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *once = format(cases[i].text), *twice = format(once);
		assert_string_equal(once, cases[i].expected);
		assert_string_equal(twice, once);
		free(once);
		free(twice);
	}
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"", "x", "[a]", "{}", "a: &x b", "a: *x", "a: !!str b", "a: b\na: c", "? [a]\n: b",
		"a: b\n---\nc: d", "a: [", "a: \xff", "a: \"\\0\"", "# only a comment\n",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *out = NULL, *errors = NULL;
		size_t len = 0, bytes;
		FILE *file = open_memstream(&errors, &bytes);
		assert_int_equal(policy_format("p.yaml", texts[i], strlen(texts[i]), file, &out, &len),
				 -EINVAL);
		fclose(file);
		assert_non_null(strstr(errors, "error: "));
		assert_null(out);
		free(errors);
	}
}

/* Every # of the original is still there: comments are never swallowed. */
static size_t count_of(const char *text, char c)
{
	size_t count = 0;
	for (; *text; text++)
		count += *text == c;
	return count;
}

static void test_shipped(void **state)
{
	(void)state;
	const char *paths[] = {"../../policies"};
	struct policy_options options = {.errors = stderr};
	struct policy *policy = NULL, *formatted = NULL;
	assert_int_equal(policy_load(paths, 1, &options, &policy), 0);
	const struct policy_text *texts;
	unsigned count = policy_texts(policy, &texts);
	struct policy_text *changed = calloc(count, sizeof(*changed));
	assert_true(count > 10);
	for (unsigned i = 0; i < count; i++) {
		changed[i] = texts[i];
		changed[i].text = *texts[i].path ? format(texts[i].text) : strdup("");
		changed[i].len = strlen(changed[i].text);
		assert_int_equal(count_of(texts[i].text, '#'), count_of(changed[i].text, '#'));
		char *again = *texts[i].path ? format(changed[i].text) : strdup("");
		assert_string_equal(again, changed[i].text);
		free(again);
	}
	assert_int_equal(policy_load_texts(changed, count, &options, &formatted), 0);
	char *before = meaning_of(policy), *after = meaning_of(formatted);
	assert_string_equal(before, after);
	free(before);
	free(after);
	for (unsigned i = 0; i < count; i++)
		free(changed[i].text);
	free(changed);
	policy_free(policy);
	policy_free(formatted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_shipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
