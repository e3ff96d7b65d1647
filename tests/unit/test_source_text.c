/* SPDX-License-Identifier: Apache-2.0
 *
 * What is read out of strings: the script of an interpreter, secrets of a command line, paths and
 * the package that owns them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../collector/source/package.h"
#include "../../collector/source/paths.h"
#include "../../collector/source/redact.h"
#include "../../collector/source/script.h"

/* --- scripts --------------------------------------------------------------------------------- */

struct script_case {
	const char *exe, *argv, *script; /* argv: words separated by | */
};

static const struct script_case script_cases[] = {
	{ "/usr/bin/bash", "bash|x.sh", "x.sh" },
	{ "/usr/bin/bash", "bash|-x|/a/x.sh|-c", "/a/x.sh" },
	{ "/usr/bin/bash", "bash|-c|echo|x.sh", "" },
	{ "/usr/bin/bash", "bash|-ec|echo", "" },
	{ "/usr/bin/bash", "bash|-o|pipefail|x.sh", "x.sh" },
	{ "/usr/bin/bash", "bash|-eo|pipefail|x.sh", "x.sh" },
	{ "/usr/bin/bash", "bash|+o|posix|x.sh", "x.sh" },
	{ "/usr/bin/bash", "bash|--rcfile|f|--norc|x.sh", "x.sh" },
	{ "/usr/bin/bash", "bash|--|-x.sh", "-x.sh" },
	{ "/usr/bin/bash", "bash|-s|arg", "" },
	{ "/usr/bin/bash", "bash", "" },
	{ "/usr/bin/bash", "bash|/dev/fd/63", "/dev/fd/63" },
	{ "/usr/bin/dash", "/bin/sh|./run", "./run" },
	{ "/bin/zsh", "zsh|-x|y", "y" },
	{ "/usr/bin/python3.11", "python3|a.py|-c", "a.py" },
	{ "/usr/bin/python3.11", "python3|-m|http.server", "" },
	{ "/usr/bin/python3.11", "python3|-c|pass|a.py", "" },
	{ "/usr/bin/python3.11", "python3|-W|ignore|-u|a.py", "a.py" },
	{ "/usr/bin/python3.11", "python3|-Wignore|a.py", "a.py" },
	{ "/usr/bin/python3.11", "python3|-Xdev|-IB|a.py", "a.py" },
	{ "/usr/bin/python3.11", "python3|-|a.py", "" },
	{ "/usr/bin/python2", "python2|a.py", "a.py" },
	{ "/usr/bin/perl", "perl|-w|a.pl", "a.pl" },
	{ "/usr/bin/perl5.36.0", "perl|-e|print 1|a.pl", "" },
	{ "/usr/bin/perl", "perl|-ne|print", "" },
	{ "/usr/bin/ruby", "ruby|-rjson|a.rb", "a.rb" },
	{ "/usr/bin/node", "node|--require|x|a.js", "a.js" },
	{ "/usr/bin/node", "node|--eval|1", "" },
	{ "/usr/bin/node", "node|--max-old-space-size=10|a.js", "a.js" },
	{ "/usr/bin/php8.2", "php|-d|x=y|-f|a.php", "a.php" },
	{ "/usr/bin/php", "php|-r|echo 1;", "" },
	{ "/usr/bin/lua5.4", "lua|-l|m|a.lua", "a.lua" },
	{ "/bin/busybox", "busybox|sh|x.sh", "x.sh" },
	{ "/bin/busybox", "/bin/sh|x.sh", "x.sh" },
	{ "/bin/busybox", "busybox|ls|x.sh", "" },
	{ "/bin/busybox", "busybox", "" },
	{ "/usr/bin/env", "env|bash|x.sh", "" },
	{ "/usr/bin/cat", "cat|x.sh", "" },
	{ "/usr/bin/pythonista", "pythonista|x.sh", "" },
	{ "/usr/bin/bash", "", "" },
};

static struct str words(char *text)
{
	struct str argv = { text, (uint32_t)strlen(text) };

	for (uint32_t i = 0; i < argv.len; i++)
		text[i] = text[i] == '|' ? '\0' : text[i];
	return argv;
}

static void test_script_is_found_behind_the_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(script_cases) / sizeof(script_cases[0]); i++) {
		char text[256], found[256];
		struct str script;

		strcpy(text, script_cases[i].argv);
		script = script_operand(script_cases[i].exe, words(text));
		snprintf(found, sizeof(found), "%.*s", (int)script.len, script.data);
		if (strcmp(found, script_cases[i].script) != 0)
			fail_msg("%s, %s: found '%s', wanted '%s'", script_cases[i].exe,
				 script_cases[i].argv, found, script_cases[i].script);
	}
}

/* --- secrets --------------------------------------------------------------------------------- */

/* secret: what must be gone; NULL: nothing may change. */
struct secret_case {
	const char *argv, *secret;
};

static const struct secret_case secret_cases[] = {
	{ "prog|--password=hunter22", "hunter22" },
	{ "prog|--password|hunter22", "hunter22" },
	{ "prog|--db-passwd|hunter22", "hunter22" },
	{ "prog|--api-key|hunter22", "hunter22" },
	{ "env|GITHUB_TOKEN=hunter22|x", "hunter22" },
	{ "env|AWS_SECRET_ACCESS_KEY=hunter22", "hunter22" },
	{ "curl|-H|Authorization: Bearer hunter2222", "hunter2222" },
	{ "curl|-H|authorization: hunter2222", "hunter2222" },
	{ "sh|-c|curl -H 'Authorization: Basic aHVudGVyMg==' x", "aHVudGVyMg==" },
	{ "git|clone|https://me:hunter22@example.org/x", "hunter22" },
	{ "curl|-u|me:hunter22|x", "hunter22" },
	{ "sh|-c|curl -u me:hunter22 x", "hunter22" },
	{ "/usr/bin/mysql|-phunter22|db", "hunter22" },
	{ "x|AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE" },
	{ "x|ghp_0123456789abcdefghijABCDEFGHIJ", "ghp_0123456789abcdefghijABCDEFGHIJ" },
	{ "x|xoxb-123456789012-abcdef", "xoxb-123456789012-abcdef" },
	{ "x|{\"token\": \"hunter22\"}", "hunter22" },
	{ "x|session_key=0123456789abcdef0123456789abcdef", "0123456789abcdef" },
	{ "ls|-la|/tmp", NULL },
	{ "mkdir|-pv|a/b", NULL },
	{ "docker|run|-p8080:80", NULL },
	{ "curl|http://localhost:8080/x", NULL },
	{ "bypass|compass=north", NULL },
	{ "sed|s/author/name/", NULL },
	{ "x|--password-file|/etc/x", NULL },
};

static void test_secrets_are_replaced_and_nothing_else(void **state)
{
	struct redactor *redactor;
	struct queue queue = { 0 };
	char error[256];

	(void)state;
	assert_int_equal(redactor_new(NULL, &redactor, error, sizeof(error)), 0);
	for (size_t i = 0; i < sizeof(secret_cases) / sizeof(secret_cases[0]); i++) {
		const char *secret = secret_cases[i].secret;
		char text[256];
		struct str argv, clean;

		strcpy(text, secret_cases[i].argv);
		argv = words(text);
		clean = redact_argv(redactor, &queue, argv);
		if (!secret && (clean.len != argv.len || memcmp(clean.data, argv.data, argv.len)))
			fail_msg("%s was changed", secret_cases[i].argv);
		if (secret && (memmem(clean.data, clean.len, secret, strlen(secret)) ||
			       !memmem(clean.data, clean.len, "<redacted:", 10)))
			fail_msg("%s: the secret is still there", secret_cases[i].argv);
	}
	queue_done(&queue);
	redactor_free(redactor);
}

static struct str mark_of(struct redactor *redactor, struct queue *queue, const char *argv)
{
	struct str clean = redact_argv(redactor, queue, (struct str){ argv, (uint32_t)strlen(argv) });
	const char *mark = memmem(clean.data, clean.len, "<redacted:", 10);

	assert_non_null(mark);
	assert_true(mark + 19 <= clean.data + clean.len && mark[18] == '>');
	return (struct str){ mark, 19 };
}

static void test_one_secret_one_mark_within_a_run_only(void **state)
{
	struct redactor *redactor, *other;
	struct queue queue = { 0 };
	struct str one, two, three, four;
	char error[256];

	(void)state;
	assert_int_equal(redactor_new(NULL, &redactor, error, sizeof(error)), 0);
	assert_int_equal(redactor_new(NULL, &other, error, sizeof(error)), 0);
	one = mark_of(redactor, &queue, "--password=hunter22");
	two = mark_of(redactor, &queue, "TOKEN=hunter22");
	three = mark_of(redactor, &queue, "TOKEN=hunter23");
	four = mark_of(other, &queue, "TOKEN=hunter22");
	assert_memory_equal(one.data, two.data, 19);
	assert_memory_not_equal(one.data, three.data, 19);
	assert_memory_not_equal(one.data, four.data, 19);
	queue_done(&queue);
	redactor_free(redactor);
	redactor_free(other);
}

static void test_own_patterns_are_used_and_checked(void **state)
{
	const char *const good[] = { "magic-([0-9]+)", NULL }, *const bad[] = { "ok", "a(b", NULL };
	struct redactor *redactor;
	struct queue queue = { 0 };
	struct str clean;
	char error[256] = "";

	(void)state;
	assert_int_equal(redactor_new(bad, &redactor, error, sizeof(error)), -22);
	assert_non_null(strstr(error, "'a(b'"));
	assert_int_equal(redactor_new(good, &redactor, error, sizeof(error)), 0);
	clean = redact_argv(redactor, &queue, STR_LIT("x magic-4711 y"));
	assert_null(memmem(clean.data, clean.len, "4711", 4));
	assert_non_null(memmem(clean.data, clean.len, "magic-", 6));
	queue_done(&queue);
	redactor_free(redactor);
}

static void test_globs_are_of_whole_arguments(void **state)
{
	static const char *const globs[] = { "glob:--key=[!a-c]?\\**.x", "glob:a+b", NULL };
	static const struct {
		const char *argv;
		bool is_hidden;
	} cases[] = { { "--key=dz*anything/at all.x", true }, { "--key=dz**.x", true },
		      { "--key=bz*anything.x", false },	       { "--key=dz-anything.x", false },
		      { "x--key=dz*anything.x", false },       { "--key=dz*.xy", false },
		      { "--key=dz*anythingxx", false },	       { "a+b", true },
		      { "aab", false },			       { "--key=d\n*\n.x", true } };
	struct redactor *redactor;
	struct queue queue = { 0 };
	char error[256] = "";

	(void)state;
	assert_int_equal(redactor_new(globs, &redactor, error, sizeof(error)), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str argv = { cases[i].argv, (uint32_t)strlen(cases[i].argv) };
		struct str clean = redact_argv(redactor, &queue, argv);

		if (cases[i].is_hidden != (clean.len == 19 && !memcmp(clean.data, "<redacted:", 10)))
			fail_msg("%s became %.*s", cases[i].argv, (int)clean.len, clean.data);
	}
	queue_done(&queue);
	redactor_free(redactor);
}

static void test_a_long_hostile_argument_ends(void **state)
{
	struct redactor *redactor;
	struct queue queue = { 0 };
	char error[256], *text = malloc(30000);

	(void)state;
	memset(text, 'a', 30000);
	for (int i = 0; i < 30000; i += 5)
		memcpy(text + i, "token", 5);
	assert_int_equal(redactor_new(NULL, &redactor, error, sizeof(error)), 0);
	assert_int_equal(redact_argv(redactor, &queue, (struct str){ text, 30000 }).len, 30000);
	queue_done(&queue);
	redactor_free(redactor);
	free(text);
}

/* --- paths ----------------------------------------------------------------------------------- */

struct place {
	char root[64];
	struct paths paths;
	struct path_view view;
};

static void place_path(const struct place *place, const char *name, char *ret)
{
	sprintf(ret, "%s/%s", place->root, name);
}

static void place_link(const struct place *place, const char *content, const char *name)
{
	char path[128];

	place_path(place, name, path);
	assert_int_equal(symlink(content, path), 0);
}

static int place_make(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	char path[128];

	strcpy(path, "/tmp/sowatch-paths-XXXXXX");
	assert_non_null(mkdtemp(path));
	strcpy(place->root, path);
	place_path(place, "real", path);
	assert_int_equal(mkdir(path, 0700), 0);
	place_path(place, "real/file", path);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	place_link(place, "real", "link");
	place_link(place, "file", "real/alias");
	place_link(place, "../link/alias", "real/far");
	place_link(place, "loop", "loop");
	place_link(place, "nowhere/x", "broken");
	place->view.pid = place->view.own_pid = (uint32_t)getpid();
	*state = place;
	return 0;
}

static int place_done(void **state)
{
	static const char *const names[] = { "real/far", "real/alias", "real/file", "real", "link",
					     "link2", "loop", "broken" };
	struct place *place = *state;
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		place_path(place, names[i], path);
		remove(path);
	}
	rmdir(place->root);
	paths_done(&place->paths);
	free(place);
	return 0;
}

static void expect_path(struct place *place, const char *base, const char *path, bool follow,
			enum path_result result, const char *real)
{
	struct path_buffer found;
	enum path_result got = paths_real(&place->paths, &place->view, base, strlen(base), path,
					  strlen(path), follow, &found);

	if (got != result || strcmp(found.text, real) != 0 || found.len != strlen(real))
		fail_msg("'%s' from '%s': %d '%s', wanted %d '%s'", path, base, (int)got,
			 found.text, (int)result, real);
}

/* name below the place, as asked and as wanted */
static void expect_name(struct place *place, const char *name, bool follow, enum path_result result,
			const char *wanted)
{
	char asked[256], real[256];

	place_path(place, name, asked);
	place_path(place, wanted, real);
	expect_path(place, "", asked, follow, result, real);
	expect_path(place, place->root, name, follow, result, real);
}

static void test_paths_are_made_real(void **state)
{
	struct place *place = *state;

	expect_name(place, "real/file", true, PATH_REAL, "real/file");
	expect_name(place, "link/file", true, PATH_REAL, "real/file");
	expect_name(place, "link/../real/./alias", true, PATH_REAL, "real/file");
	expect_name(place, "real/far", true, PATH_REAL, "real/file");
	expect_name(place, "real/far", false, PATH_REAL, "real/far");
	expect_name(place, "link/alias", false, PATH_REAL, "real/alias");
	expect_name(place, "link//file/", true, PATH_REAL, "real/file");
	expect_path(place, "", "/", true, PATH_REAL, "/");
	expect_path(place, "", "//..//", true, PATH_REAL, "/");
	expect_path(place, "/", "..", true, PATH_REAL, "/");
}

static void test_what_is_missing_keeps_its_tail(void **state)
{
	struct place *place = *state;

	expect_name(place, "link/new", true, PATH_MISSING, "real/new");
	expect_name(place, "link/new/deep/../er", true, PATH_MISSING, "real/new/er");
	expect_name(place, "broken", true, PATH_MISSING, "nowhere/x");
	expect_name(place, "broken", false, PATH_REAL, "broken");
}

static void test_what_cannot_be_resolved_is_only_normalised(void **state)
{
	struct place *place = *state;
	struct path_buffer found;
	char *longest = malloc(3 * PATH_MAX);

	expect_name(place, "loop", true, PATH_UNRESOLVED, "loop");
	expect_name(place, "loop/x", true, PATH_UNRESOLVED, "loop/x");
	/* Below nothing that is known: not /b, which is another file. */
	expect_path(place, "", "a/../b", true, PATH_UNRESOLVED, "a/../b");
	expect_path(place, "(unreachable)/x", "b", true, PATH_UNRESOLVED, "b");
	assert_int_equal(paths_real(&place->paths, &place->view, "/", 1, "/etc\0/x", 7, true,
				    &found),
			 PATH_UNRESOLVED);
	assert_string_equal(found.text, "/etc");
	memset(longest, '/', 3 * PATH_MAX);
	for (int i = 1; i < 3 * PATH_MAX; i += 2)
		longest[i] = 'a';
	assert_int_equal(paths_real(&place->paths, &place->view, "/", 1, longest, 3 * PATH_MAX,
				    true, &found),
			 PATH_UNRESOLVED);
	assert_true(found.len < PATH_MAX);
	memset(longest, 'a', 3 * PATH_MAX);
	longest[0] = '/';
	paths_real(&place->paths, &place->view, "/", 1, longest, PATH_MAX - 1, true, &found);
	free(longest);
}

static void test_a_directory_is_looked_up_again_after_a_while(void **state)
{
	struct place *place = *state;
	char path[128];

	expect_name(place, "link2/file", true, PATH_MISSING, "link2/file");
	place_link(place, "real", "link2");
	expect_name(place, "link2/file", true, PATH_MISSING, "link2/file");
	place->paths.now_ms += PATHS_TTL_MS + 1;
	expect_name(place, "link2/file", true, PATH_REAL, "real/file");
	place_path(place, "link2", path);
	unlink(path);
	place->paths.now_ms += PATHS_TTL_MS + 1;
}

static void test_own_proc_is_self_in_every_run(void **state)
{
	struct place *place = *state;
	char path[64], exe[PATH_MAX] = "";

	sprintf(path, "/proc/%d/maps", (int)getpid());
	expect_path(place, "", path, true, PATH_REAL, "/proc/self/maps");
	expect_path(place, "", "/proc/self/maps", true, PATH_REAL, "/proc/self/maps");
	expect_path(place, "", "/proc/1/maps", true, PATH_REAL, "/proc/1/maps");
	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	expect_path(place, "", "/proc/self/exe", true, PATH_REAL, exe);
	expect_path(place, "", "/proc/self/exe", false, PATH_REAL, "/proc/self/exe");
}

/* --- packages -------------------------------------------------------------------------------- */

static void file_write(const char *directory, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void expect_package(const struct packages *packages, const char *path, const char *name)
{
	const struct package *package = packages_find(packages, path);

	if (strcmp(package ? package->name : "", name) != 0)
		fail_msg("%s belongs to '%s', wanted '%s'", path, package ? package->name : "", name);
}

static void test_packages_own_what_their_lists_say(void **state)
{
	char directory[64] = "/tmp/sowatch-dpkg-XXXXXX", command[128];
	struct packages *packages;

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_null(packages_open(directory, 1));
	snprintf(command, sizeof(command), "%s/info", directory);
	assert_int_equal(mkdir(command, 0700), 0);
	file_write(directory, "status",
		   "Package: libfoo1\nStatus: install ok installed\nVersion: 1:2.3-4\nDescription: x\n"
		   " Package: no\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
		   "Package: bar\nVersion: 9\nStatus: install ok installed\n");
	file_write(directory, "info/libfoo1:amd64.list", "/.\n/usr\n/usr/lib\n/opt/foo/libfoo.so.1\n");
	file_write(directory, "info/bar.list", "/.\n/usr\n/opt/bar/x\n/lib/bar.so");
	file_write(directory, "info/gone.list", "/opt/gone/x\n");
	file_write(directory, "info/bar.md5sums", "/opt/not/a/list\n");
	packages = packages_open(directory, 1);
	assert_non_null(packages);
	expect_package(packages, "/opt/foo/libfoo.so.1", "libfoo1");
	assert_string_equal(packages_find(packages, "/opt/foo/libfoo.so.1")->version, "1:2.3-4");
	expect_package(packages, "/opt/bar/x", "bar");
	expect_package(packages, "/usr", ""); /* shared */
	expect_package(packages, "/opt/gone/x", "");
	expect_package(packages, "/opt/not/a/list", "");
	expect_package(packages, "/opt/foo/libfoo.so.10", "");
	expect_package(packages, "/lib/bar.so", "bar");
	expect_package(packages, "/usr/lib/bar.so",
		       readlink("/lib", command, sizeof(command)) > 0 ? "bar" : "");
	packages_free(packages);
	expect_package(NULL, "/usr", "");
	snprintf(command, sizeof(command), "rm -r %s", directory);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_script_is_found_behind_the_options),
		cmocka_unit_test(test_secrets_are_replaced_and_nothing_else),
		cmocka_unit_test(test_one_secret_one_mark_within_a_run_only),
		cmocka_unit_test(test_own_patterns_are_used_and_checked),
		cmocka_unit_test(test_globs_are_of_whole_arguments),
		cmocka_unit_test(test_a_long_hostile_argument_ends),
		cmocka_unit_test_setup_teardown(test_paths_are_made_real, place_make, place_done),
		cmocka_unit_test_setup_teardown(test_what_is_missing_keeps_its_tail, place_make,
						place_done),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_resolved_is_only_normalised,
						place_make, place_done),
		cmocka_unit_test_setup_teardown(test_a_directory_is_looked_up_again_after_a_while,
						place_make, place_done),
		cmocka_unit_test_setup_teardown(test_own_proc_is_self_in_every_run, place_make,
						place_done),
		cmocka_unit_test(test_packages_own_what_their_lists_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
