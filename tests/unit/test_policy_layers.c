/* SPDX-License-Identifier: Apache-2.0
 *
 * Which profile answers, layers on disk and from a log, variables, and the hash.
 */
#include "test_policy_lab.h"

#include <sys/stat.h>
#include <unistd.h>

static const char *fake_variable(void *arg, const char *name)
{
	(void)arg;
	return !strcmp(name, "ROOT") ? "/srv/[x]*" : !strcmp(name, "PORT") ? "8443" : NULL;
}

/* What a library may read: which profile said so. */
static const char *deciding(struct policy *policy, struct item_object object, const char *path)
{
	struct lab lab = {.policy = policy, .model = model_new()};
	static char answer[256];
	uint32_t lib = lab_object_of(&lab, object);
	uint32_t app = lab_main(&lab, "/opt/app", "");
	uint32_t process = lab_process(&lab, 0, 0, app, "/opt/app", "");
	uint32_t chain = lab_chain(&lab, process, lib, app);
	const struct outcome *o = lab_do(&lab, chain, WIRE_FILE_READ, lab_path(&lab, path), 0);
	snprintf(answer, sizeof(answer), "%s %s %s:%u", lab_kinds[o->kind],
		 o->rule.profile ? o->rule.profile : "-", o->rule.file ? o->rule.file : "-",
		 o->rule.line);
	model_free(lab.model);
	return answer;
}

static const struct item_object foo = {.path = {"/usr/lib/libfoo.so.1.2", 22},
				       .soname = {"libfoo.so.1", 11},
				       .build_id = {"abcdef12", 8},
				       .package = {"libfoo1", 7}};

static void test_precedence(void **state)
{
	static const char *const text =
		"version: 1\nprofiles:\n"
		"  - {name: short, match: {library: \"lib*\"}, file: {read: [/short]}}\n"
		"  - {name: long, match: {library: \"libfoo.so*\"}, file: {read: [/long]}}\n"
		"  - {name: net, match: {library: \"libfoo.so.1\"}, network: none}\n";
	static const char *const more[] = {
		"  - {name: p, match: {package: \"libfoo1\"}, file: {read: [/p]}}\n",
		"  - {name: path, match: {library: \"**/libfoo.so*\"}, file: {read: [/path]}}\n",
		"  - {name: id, match: {build-id: ABCDEF12}, file: {read: [/id]}}\n",
	};
	static const char *const expected[] = {"deviates long p.yaml:4", "deviates long p.yaml:4",
					       "deviates path p.yaml:7", "deviates id p.yaml:8"};
	char whole[1024], *errors = NULL;
	(void)state;
	strcpy(whole, text);
	/* A profile without the family does not hide one that has it. */
	for (unsigned i = 0; i < 4; i++) {
		struct policy *policy = lab_load_one(whole, &errors);
		assert_non_null(policy);
		assert_string_equal(deciding(policy, foo, "/other"), expected[i]);
		policy_free(policy);
		free(errors);
		if (i < 3)
			strcat(whole, more[i]);
	}
}

static void write_file(const char *directory, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

struct tree {
	char low[64], sub[80], tests[96];
};

static int make_tree(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	strcpy(tree->low, "/tmp/sowatch-layers-XXXXXX");
	assert_non_null(mkdtemp(tree->low));
	snprintf(tree->sub, sizeof(tree->sub), "%s/sub", tree->low);
	snprintf(tree->tests, sizeof(tree->tests), "%s/tests", tree->sub);
	assert_int_equal(mkdir(tree->sub, 0700), 0);
	assert_int_equal(mkdir(tree->tests, 0700), 0);
	write_file(tree->low, "a.yaml",
		   "version: 1\nprofiles:\n"
		   "  - name: foo\n    extends: foo\n    file: {read: [/by-hand]}\n");
	write_file(tree->low, "z.learned.yaml",
		   "version: 1\nprofiles:\n"
		   "  - name: foo\n    match: {library: libfoo.so.1}\n"
		   "    file: {read: [/learned]}\n");
	write_file(tree->sub, "b.yaml",
		   "version: 1\nprofiles:\n"
		   "  - {name: bar, match: {library: bar}, file: none}\n");
	write_file(tree->tests, "case.yaml", "this is no policy\n");
	write_file(tree->low, ".#a.yaml", "nor this\n");
	write_file(tree->low, "notes.txt", "nor this\n");
	*state = tree;
	return 0;
}

static int remove_tree(void **state)
{
	struct tree *tree = *state;
	char command[128];
	snprintf(command, sizeof(command), "rm -r %s /tmp/sowatch-high.yaml", tree->low);
	free(tree);
	return system(command);
}

static struct policy *load_paths(const char *const *paths, unsigned count)
{
	struct policy *policy = NULL;
	struct policy_options options = {.variable = fake_variable, .errors = stderr};
	assert_int_equal(policy_load(paths, count, &options, &policy), 0);
	return policy;
}

static void test_disk_and_replay(void **state)
{
	struct tree *tree = *state;
	const char *paths[] = {tree->low, "/tmp/sowatch-high.yaml"};
	const struct policy_text *texts;
	char *errors = NULL, expected[256];
	write_file("/tmp", "sowatch-high.yaml",
		   "version: 1\nprofiles:\n"
		   "  - name: top\n    match: {library: \"lib*\"}\n"
		   "    file: {read: [\"${ROOT}/a\"]}\n");
	struct policy *low = load_paths(paths, 1), *both = load_paths(paths, 2);
	/* Learned below hand-written although its name comes later; the rule keeps its origin. */
	snprintf(expected, sizeof(expected), "allowed foo %s/z.learned.yaml:5", tree->low);
	assert_string_equal(deciding(low, foo, "/learned"), expected);
	snprintf(expected, sizeof(expected), "allowed foo %s/a.yaml:5", tree->low);
	assert_string_equal(deciding(low, foo, "/by-hand"), expected);
	assert_int_equal(policy_texts(low, &texts), 3);
	/* A later layer wins over a better match, also when it comes out of a log. */
	snprintf(expected, sizeof(expected), "deviates top %s:5", paths[1]);
	assert_string_equal(deciding(both, foo, "/by-hand"), expected);
	unsigned count = policy_texts(both, &texts);
	struct policy *again = lab_load(texts, count, fake_variable, &errors);
	assert_non_null(again);
	assert_string_equal(deciding(again, foo, "/by-hand"), expected);
	assert_string_equal(policy_hash(again), policy_hash(both));
	assert_int_equal(strlen(policy_hash(both)), 32);
	assert_string_not_equal(policy_hash(low), policy_hash(both));
	/* The value of a variable is no glob. */
	snprintf(expected, sizeof(expected), "allowed top %s:5", paths[1]);
	assert_string_equal(deciding(again, foo, "/srv/[x]*/a"), expected);
	snprintf(expected, sizeof(expected), "deviates top %s:5", paths[1]);
	assert_string_equal(deciding(again, foo, "/srv/xy/a"), expected);
	policy_free(low);
	policy_free(both);
	policy_free(again);
	free(errors);
}

static void test_variables(void **state)
{
	static const struct policy_text text = {
		(char *)"v.yaml",
		(char *)"version: 1\nprofiles:\n  - name: v\n    match: {library: v}\n"
			"    network: {connect: [{ports: \"${PORT}\"}, {ports: \"${PORT}\"}]}\n",
		0};
	const struct policy_variable *variables;
	struct policy_text whole = text;
	char *errors = NULL;
	(void)state;
	whole.len = strlen(whole.text);
	struct policy *policy = lab_load(&whole, 1, fake_variable, &errors);
	assert_non_null(policy);
	assert_int_equal(policy_variables(policy, &variables), 1);
	assert_string_equal(variables[0].name, "PORT");
	assert_string_equal(variables[0].value, "8443");
	policy_free(policy);
	free(errors);
}

static void test_extends_and_replaces(void **state)
{
	static const char *const base = "version: 1\nprofiles:\n"
					"  - {name: foo, match: {library: libfoo.so.1}, file: "
					"{read: [/a]}, network: none}\n";
	char *errors = NULL, text[512];
	(void)state;
	snprintf(text, sizeof(text), "%s  - {name: foo, extends: foo, file: {read: [/b]}}\n", base);
	struct policy *policy = lab_load_one(text, &errors);
	assert_non_null(policy);
	assert_string_equal(deciding(policy, foo, "/a"), "allowed foo p.yaml:3");
	assert_string_equal(deciding(policy, foo, "/b"), "allowed foo p.yaml:4");
	policy_free(policy);
	free(errors);
	snprintf(text, sizeof(text),
		 "%s  - {name: new, replaces: foo, match: {library: libfoo.so.1}, file: {read: "
		 "[/b]}}\n",
		 base);
	policy = lab_load_one(text, &errors);
	assert_non_null(policy);
	assert_string_equal(deciding(policy, foo, "/a"), "deviates new p.yaml:4");
	assert_string_equal(deciding(policy, foo, "/b"), "allowed new p.yaml:4");
	policy_free(policy);
	free(errors);
	/* Another name inherits and leaves the first alone. */
	snprintf(text, sizeof(text),
		 "%s  - {name: new, extends: foo, match: {library: other}, file: {read: [/b]}}\n",
		 base);
	policy = lab_load_one(text, &errors);
	assert_non_null(policy);
	assert_string_equal(deciding(policy, foo, "/b"), "deviates foo p.yaml:3");
	struct item_object other = foo;
	other.soname = (struct str)STR_LIT("other");
	assert_string_equal(deciding(policy, other, "/a"), "allowed foo p.yaml:3");
	assert_string_equal(deciding(policy, other, "/b"), "allowed new p.yaml:4");
	policy_free(policy);
	free(errors);
}

static void test_accept(void **state)
{
	char *errors = NULL;
	(void)state;
	struct policy *policy = lab_load_one(
		"version: 1\naccept:\n  - {hole: shim-only, reason: staging, expires: 2001-09-09}\n"
		"  - {hole: lost, reason: flood test}\n",
		&errors);
	assert_non_null(policy);
	assert_string_equal(policy_accepts(policy, "shim-only", 1000000000000000000ull), "staging");
	assert_null(policy_accepts(policy, "shim-only", 1000080000000000000ull));
	assert_string_equal(policy_accepts(policy, "lost", UINT64_MAX - 1), "flood test");
	assert_null(policy_accepts(policy, "gap", 0));
	policy_free(policy);
	free(errors);
}

static void test_effective(void **state)
{
	char *errors = NULL, *text = NULL;
	size_t bytes;
	(void)state;
	struct policy *policy = lab_load_one(
		"version: 1\n"
		"guards: [{name: g, exec: {inspect: any}}]\n"
		"profiles:\n"
		"  - {name: foo, match: {library: [a, \"/x/*\"]}, carries: [env.*], exempt: g}\n"
		"  - name: foo\n    extends: foo\n"
		"    file: {read: [/a, {path: /b}], write: any}\n    network: none\n",
		&errors);
	assert_non_null(policy);
	FILE *file = open_memstream(&text, &bytes);
	policy_print_effective(policy, file);
	fclose(file);
	assert_string_equal(strchr(text, '\n') + 1, "grants:\n"
						    "guards:\n"
						    "  exec.inspect:\n"
						    "    - \"any\"  # p.yaml:2\n"
						    "profiles:\n"
						    "  - name: \"foo\"  # p.yaml:5\n"
						    "    match:\n"
						    "      - {library: \"a\"}  # p.yaml:4\n"
						    "      - {library: \"/x/*\"}  # p.yaml:4\n"
						    "    carries: [env.read]\n"
						    "    exempt: [g]\n"
						    "    network: none  # p.yaml:8\n"
						    "    file:  # p.yaml:7\n"
						    "      read:  # p.yaml:7\n"
						    "        - \"/a\"  # p.yaml:7\n"
						    "        - \"/b\"  # p.yaml:7\n"
						    "      write: any  # p.yaml:7\n");
	policy_free(policy);
	free(text);
	free(errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_precedence),
		cmocka_unit_test_setup_teardown(test_disk_and_replay, make_tree, remove_tree),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_extends_and_replaces),
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_effective),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
