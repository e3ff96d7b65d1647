/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose a Python file is, over directories made here: lists, what claims too much, what nobody
 * lists, archives, and metadata made to break the reader.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/source/python_dist.h"

struct fixture {
	char directory[64];
	struct dists *dists;
	struct dist_owner owner;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->directory, "/tmp/sowatch-python.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	f->dists = dists_new(7);
	assert_non_null(f->dists);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", f->directory);
	assert_int_equal(system(command), 0);
	dists_free(f->dists);
	free(f);
	return 0;
}

static void put_bytes(struct fixture *f, const char *name, const char *text, size_t len)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->directory, name);
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void put(struct fixture *f, const char *name, const char *text)
{
	put_bytes(f, name, text, strlen(text));
}

static bool find(struct fixture *f, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", f->directory, name);
	return dists_find(f->dists, NULL, path, &f->owner);
}

static void put_demo(struct fixture *f, const char *site)
{
	char name[256];

	snprintf(name, sizeof(name), "%s/demo/__init__.py", site);
	put(f, name, "");
	snprintf(name, sizeof(name), "%s/De_Mo-1.2.dist-info/METADATA", site);
	put(f, name, "Metadata-Version: 2.1\nName: De..Mo_x\nVersion: 1.2\n\nName: other\n");
	snprintf(name, sizeof(name), "%s/De_Mo-1.2.dist-info/RECORD", site);
	put(f, name, "demo/__init__.py,sha256=x,0\r\n\"demo/a,b.py\",,\n../../bin/demo,,\n"
		     "De_Mo-1.2.dist-info/RECORD,,\n");
}

static void test_a_list_owns_its_files(void **state)
{
	struct fixture *f = *state;

	put_demo(f, "lib/site-packages");
	assert_true(find(f, "lib/site-packages/demo/__init__.py"));
	assert_string_equal(f->owner.name, "de-mo-x");
	assert_string_equal(f->owner.version, "1.2");
	assert_string_equal(f->owner.package, "de-mo-x");
	assert_non_null(strstr(f->owner.root, "/De_Mo-1.2.dist-info"));
	assert_true(find(f, "lib/site-packages/demo/a,b.py"));
	assert_string_equal(f->owner.name, "de-mo-x");
}

static void test_what_nobody_lists_has_nobody_behind_it(void **state)
{
	struct fixture *f = *state;

	put_demo(f, "lib/site-packages");
	assert_true(find(f, "lib/site-packages/demo/dropped.py"));
	assert_string_equal(f->owner.name, "demo");
	assert_string_equal(f->owner.package, "");
	assert_true(find(f, "lib/site-packages/Single_File.py"));
	assert_string_equal(f->owner.name, "single-file");
	assert_string_equal(f->owner.package, "");
	assert_false(find(f, "srv/app/main.py"));
}

static void test_a_package_brings_no_directory_that_makes_it_another(void **state)
{
	struct fixture *f = *state;

	put_demo(f, "lib/site-packages");
	put(f, "lib/site-packages/De_Mo-1.2.dist-info/RECORD",
	    "demo/__init__.py,,\ndemo/site-packages/inner/x.py,,\n");
	put(f, "lib/site-packages/demo/site-packages/inner/x.py", "");
	put(f, "lib/site-packages/demo/site-packages/urllib3-9.dist-info/METADATA",
	    "Name: urllib3\nVersion: 9\n");
	put(f, "lib/site-packages/demo/site-packages/urllib3-9.dist-info/RECORD", "inner/x.py,,\n");
	assert_true(find(f, "lib/site-packages/demo/site-packages/inner/x.py"));
	assert_string_equal(f->owner.name, "de-mo-x");
	/* Nor one around it that is not meant for installed things. */
	put(f, "lib/urllib3-9.dist-info/METADATA", "Name: urllib3\nVersion: 9\n");
	put(f, "lib/urllib3-9.dist-info/RECORD", "site-packages/demo/__init__.py,,\n");
	assert_true(find(f, "lib/site-packages/demo/__init__.py"));
	assert_string_equal(f->owner.name, "de-mo-x");
}

static void test_what_two_list_is_neithers(void **state)
{
	struct fixture *f = *state;

	put_demo(f, "lib/site-packages");
	put(f, "lib/site-packages/claim-1.dist-info/METADATA", "Name: claim\nVersion: 1\n");
	put(f, "lib/site-packages/claim-1.dist-info/RECORD", "./demo//__init__.py,,\n");
	assert_true(find(f, "lib/site-packages/demo/__init__.py"));
	assert_string_equal(f->owner.name, "demo");
	assert_string_equal(f->owner.package, "");
}

static void test_a_changed_directory_is_read_again(void **state)
{
	struct fixture *f = *state;

	put(f, "lib/site-packages/late/__init__.py", "");
	assert_true(find(f, "lib/site-packages/late/__init__.py"));
	assert_string_equal(f->owner.package, "");
	usleep(20000);
	put(f, "lib/site-packages/late-2.dist-info/RECORD", "late/__init__.py,,\n");
	put(f, "lib/site-packages/late-2.dist-info/METADATA", "Name: late\nVersion: 2\n");
	usleep(20000);
	put(f, "lib/site-packages/other.txt", "");
	assert_true(find(f, "lib/site-packages/late/__init__.py"));
	assert_string_equal(f->owner.package, "late");
	assert_string_equal(f->owner.version, "2");
}

static void test_trees_eggs_and_wheels(void **state)
{
	struct fixture *f = *state;

	put(f, "tree/src/mine/__init__.py", "");
	put(f, "tree/src/mine.egg-info/PKG-INFO", "Name: Mine\nVersion: 3\n");
	put(f, "tree/src/mine.egg-info/top_level.txt", "other\nmine\n");
	assert_true(find(f, "tree/src/mine/__init__.py"));
	assert_string_equal(f->owner.name, "mine");
	assert_string_equal(f->owner.package, "");
	assert_false(find(f, "tree/src/foreign.py"));
	put(f, "lib/site-packages/old-1.0-py3.11.egg/old/__init__.py", "");
	put(f, "lib/site-packages/old-1.0-py3.11.egg/EGG-INFO/PKG-INFO", "Name: old\nVersion: 1.0\n");
	assert_true(find(f, "lib/site-packages/old-1.0-py3.11.egg/old/__init__.py"));
	assert_string_equal(f->owner.name, "old");
	put(f, "wheels/Zip_Ped-2.5-py3-none-any.whl", "PK");
	assert_true(find(f, "wheels/Zip_Ped-2.5-py3-none-any.whl/zip_ped/x.py"));
	assert_string_equal(f->owner.name, "zip-ped");
	assert_string_equal(f->owner.version, "2.5");
	/* A directory that is only called like an archive is none. */
	put(f, "fake/urllib3-2-py3-none-any.whl/urllib3/x.py", "");
	assert_false(find(f, "fake/urllib3-2-py3-none-any.whl/urllib3/x.py"));
}

/* --- own files -------------------------------------------------------------------------------- */
#define HELLO_SHA256 "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ" /* of "hello" */

static bool is_own(struct fixture *f, const char *name, const char *info)
{
	char path[512], root[512];

	snprintf(path, sizeof(path), "%s/%s", f->directory, name);
	if (!dists_own(f->dists, path, root, sizeof(root)))
		return false;
	assert_non_null(strstr(root, info));
	return true;
}

static void test_own_files_are_those_its_author_knew(void **state)
{
	struct fixture *f = *state;

	put_demo(f, "lib/site-packages");
	put(f, "lib/site-packages/demo/data.json", "hello");
	put(f, "lib/site-packages/demo/changed.json", "hallo");
	put(f, "lib/site-packages/demo/plain.json", "hello");
	put(f, "lib/site-packages/demo/__pycache__/x.cpython-311.pyc", "");
	put(f, "share/demo/page.html", "hello");
	put(f, "home/secret", "hexlo");
	put(f, "lib/site-packages/De_Mo-1.2.dist-info/RECORD",
	    "demo/data.json,sha256=" HELLO_SHA256 ",5\n"
	    "demo/changed.json,sha256=" HELLO_SHA256 ",5\n"
	    "demo/plain.json,,\n"
	    "demo/__pycache__/x.cpython-311.pyc,,\n"
	    "../../share/demo/page.html,sha256=" HELLO_SHA256 ",5\n"
	    "../../home/secret,sha256=" HELLO_SHA256 ",5\n"
	    "../../home/__pycache__/y.pyc,,\n"
	    "De_Mo-1.2.dist-info/METADATA,,\n");
	put(f, "home/__pycache__/y.pyc", "");
	assert_true(is_own(f, "lib/site-packages/demo/data.json", "/De_Mo-1.2.dist-info"));
	assert_true(is_own(f, "lib/site-packages/demo/data.json", "/De_Mo-1.2.dist-info"));
	assert_true(is_own(f, "lib/site-packages/demo/__pycache__/x.cpython-311.pyc", "/De_Mo"));
	assert_true(is_own(f, "lib/site-packages/De_Mo-1.2.dist-info/METADATA", "/De_Mo"));
	assert_true(is_own(f, "share/demo/page.html", "/De_Mo-1.2.dist-info"));
	/* Not what it says, or more than it can say. */
	assert_false(is_own(f, "lib/site-packages/demo/changed.json", ""));
	assert_false(is_own(f, "lib/site-packages/demo/plain.json", ""));
	assert_false(is_own(f, "lib/site-packages/demo/unlisted", ""));
	assert_false(is_own(f, "home/secret", ""));
	assert_false(is_own(f, "home/__pycache__/y.pyc", ""));
	assert_false(is_own(f, "lib/site-packages", ""));
	/* It was the file: it is not any more once it has changed. */
	put(f, "lib/site-packages/demo/data.json", "hullo");
	assert_false(is_own(f, "lib/site-packages/demo/data.json", ""));
}

static void test_own_files_of_two_are_neithers(void **state)
{
	struct fixture *f = *state;

	put(f, "lib/site-packages/demo/data.json", "hello");
	put(f, "lib/site-packages/a-1.dist-info/RECORD", "demo/data.json,sha256=" HELLO_SHA256 ",5\n");
	put(f, "lib/site-packages/b-1.dist-info/RECORD", "demo/data.json,sha256=" HELLO_SHA256 ",5\n");
	assert_false(is_own(f, "lib/site-packages/demo/data.json", ""));
}

static void test_own_files_of_old_lists_and_eggs(void **state)
{
	struct fixture *f = *state;

	put(f, "lib/site-packages/old/data", "x");
	put(f, "lib/site-packages/new/data", "x");
	put(f, "lib/site-packages/old-1.egg-info/PKG-INFO", "Name: old\nVersion: 1\n");
	put(f, "lib/site-packages/old-1.egg-info/top_level.txt", "old\n");
	put(f, "lib/site-packages/old-1.egg-info/installed-files.txt",
	    "../old/data\n../new/data\n../../../secret\nPKG-INFO\n");
	put(f, "secret", "x");
	assert_true(is_own(f, "lib/site-packages/old/data", "/old-1.egg-info"));
	assert_true(is_own(f, "lib/site-packages/old-1.egg-info/PKG-INFO", "/old-1.egg-info"));
	assert_false(is_own(f, "lib/site-packages/new/data", ""));
	assert_false(is_own(f, "secret", ""));
	put(f, "lib/site-packages/egg-2-py3.11.egg/EGG-INFO/PKG-INFO", "Name: egg\nVersion: 2\n");
	put(f, "lib/site-packages/egg-2-py3.11.egg/egg/data", "x");
	assert_true(is_own(f, "lib/site-packages/egg-2-py3.11.egg/egg/data", "/EGG-INFO"));
}

/* --- source trees ------------------------------------------------------------------------------- */
static void put_editable(struct fixture *f, const char *tree, const char *pth, const char *finder)
{
	char text[1024];

	put(f, "lib/site-packages/work_ing-1.dist-info/METADATA", "Name: Work.ing\nVersion: 1\n");
	put(f, "lib/site-packages/work_ing-1.dist-info/RECORD",
	    "__editable__.work_ing-1.pth,,\n__editable___work_ing_1_finder.py,,\n");
	snprintf(text, sizeof(text), "{\"dir_info\": {\"editable\": true}, \"url\": \"file://%s/%s\"}",
		 f->directory, tree);
	put(f, "lib/site-packages/work_ing-1.dist-info/direct_url.json", text);
	if (pth) {
		snprintf(text, sizeof(text), "%s/%s\n", f->directory, pth);
		put(f, "lib/site-packages/__editable__.work_ing-1.pth", text);
	}
	if (finder) {
		snprintf(text, sizeof(text), "import sys\nMAPPING = {'working': '%s/%s', 'no': '/etc'}\n",
			 f->directory, finder);
		put(f, "lib/site-packages/__editable___work_ing_1_finder.py", text);
	}
}

static void note(struct fixture *f, const char *site)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", f->directory, site);
	dists_note(f->dists, path);
}

static void test_a_source_tree_that_a_site_names(void **state)
{
	struct fixture *f = *state;

	put(f, "my tree/pyproject.toml", "[build-system]\nname = 'x'\n[project]\nname = \"work-ing\"\n");
	put(f, "my tree/src/working/__init__.py", "");
	put(f, "my tree/src/working/data/words", "");
	put(f, "my tree/src/.env", "");
	put_editable(f, "my%20tree", "my tree/src", NULL);
	assert_false(find(f, "my tree/src/working/__init__.py"));
	note(f, "lib/site-packages");
	assert_true(find(f, "my tree/src/working/__init__.py"));
	assert_string_equal(f->owner.name, "work-ing");
	assert_string_equal(f->owner.package, "work-ing");
	assert_string_equal(f->owner.version, "1");
	assert_non_null(strstr(f->owner.root, "/work_ing-1.dist-info"));
	assert_false(find(f, "my tree/tests/test.py"));
	assert_true(is_own(f, "my tree/src/working/data/words", "/work_ing-1.dist-info"));
	assert_false(is_own(f, "my tree/src/.env", ""));
	assert_false(is_own(f, "my tree/pyproject.toml", ""));
	/* Taken away again. */
	usleep(20000);
	put(f, "lib/site-packages/work_ing-1.dist-info/direct_url.json", "{}");
	put(f, "lib/site-packages/other.txt", "");
	note(f, "lib/site-packages");
	assert_false(find(f, "my tree/src/working/__init__.py"));
}

static void test_a_source_tree_that_a_finder_maps(void **state)
{
	struct fixture *f = *state;

	put(f, "tree/setup.cfg", "[metadata]\nname = Work_ing\n");
	put(f, "tree/working.py", "");
	put(f, "tree/other.py", "");
	put_editable(f, "tree", NULL, "tree/working");
	note(f, "lib/site-packages");
	assert_true(find(f, "tree/working.py"));
	assert_string_equal(f->owner.name, "work-ing");
	assert_false(find(f, "tree/other.py"));
	assert_false(dists_find(f->dists, NULL, "/etc/passwd", &f->owner));
}

static void test_a_tree_that_is_somebody_elses(void **state)
{
	struct fixture *f = *state;

	put(f, "app/pyproject.toml", "[project]\nname = \"app\"\n[tool.x]\nname = \"work-ing\"\n");
	put(f, "app/working/__init__.py", "");
	put_editable(f, "app", "app", "app/working");
	note(f, "lib/site-packages");
	assert_false(find(f, "app/working/__init__.py"));
	assert_false(is_own(f, "app/working/__init__.py", ""));
	/* The tree is its own, what the .pth names is elsewhere. */
	put(f, "mine/pyproject.toml", "[project]\nname = \"work-ing\"\n");
	put_editable(f, "mine", "app", NULL);
	usleep(20000);
	put(f, "lib/site-packages/other.txt", "");
	note(f, "lib/site-packages");
	assert_false(find(f, "app/working/__init__.py"));
}

static void test_a_source_tree_by_egg_link(void **state)
{
	struct fixture *f = *state;
	char text[512];

	put(f, "tree/src/Old_Way.egg-info/PKG-INFO", "Name: old-way\nVersion: 4\n");
	put(f, "tree/src/Old_Way.egg-info/top_level.txt", "old_way\n");
	put(f, "tree/src/old_way/__init__.py", "");
	put(f, "tree/src/old_way/data", "");
	put(f, "tree/src/other/__init__.py", "");
	snprintf(text, sizeof(text), "%s/tree/src\n..", f->directory);
	put(f, "lib/site-packages/old-way.egg-link", text);
	put(f, "lib/site-packages/wrong.egg-link", text);
	note(f, "lib/site-packages");
	assert_true(find(f, "tree/src/old_way/__init__.py"));
	assert_string_equal(f->owner.name, "old-way");
	assert_string_equal(f->owner.version, "4");
	assert_string_equal(f->owner.package, "old-way");
	assert_true(is_own(f, "tree/src/old_way/data", "/Old_Way.egg-info"));
	assert_false(find(f, "tree/src/other/__init__.py"));
}

static void test_trees_made_to_break_the_reader(void **state)
{
	struct fixture *f = *state;

	put(f, "tree/pyproject.toml", "[project\nname\n[project]\nname =\nname = \"\n\"work-ing\n[");
	put_editable(f, "tree", "../../../../..", "'\"'");
	put(f, "lib/site-packages/x.egg-link", "relative\n");
	put(f, "lib/site-packages/.egg-link", "/\n");
	put(f, "lib/site-packages/y.egg-link", "");
	note(f, "lib/site-packages");
	put(f, "lib/site-packages/work_ing-1.dist-info/direct_url.json",
	    "{\"dir_info\": {\"editable\": true}, \"url\": \"file:///%00%zz%\"}");
	put(f, "lib/site-packages/other.txt", "");
	note(f, "lib/site-packages");
	put(f, "lib/site-packages/work_ing-1.dist-info/direct_url.json", "{\"dir_info\": [1], \"url\": 3}");
	put(f, "lib/site-packages/other2.txt", "");
	note(f, "lib/site-packages");
	note(f, "missing");
	assert_false(find(f, "etc/passwd"));
	assert_false(is_own(f, "etc/passwd", ""));
}

static void test_metadata_made_to_break_the_reader(void **state)
{
	static const char zeros[] = "Name: a\0b\nVersion: \n\n\0\0";
	struct fixture *f = *state;
	char *lines = malloc(1 << 20);

	assert_non_null(lines);
	memset(lines, '/', 1 << 20);
	lines[(1 << 20) - 1] = '\0';
	put_bytes(f, "lib/site-packages/zero-1.dist-info/METADATA", zeros, sizeof(zeros));
	put(f, "lib/site-packages/long-1.dist-info/RECORD", lines);
	memset(lines, 'n', 1 << 20);
	lines[(1 << 20) - 1] = '\0';
	put(f, "lib/site-packages/name-1.dist-info/METADATA", lines);
	put(f, "lib/site-packages/-.dist-info/RECORD", "\"\n\",\"\"\n,,,\n..,,\n../../../../../../x,,\n");
	put(f, "lib/site-packages/x.egg-info", "Name:\nVersion:");
	put(f, "lib/site-packages/EGG-INFO/top_level.txt", "\r\n\n\r");
	free(lines);
	find(f, "lib/site-packages/some/file.py");
	find(f, "x");
	assert_false(dists_find(f->dists, NULL, "relative.py", &f->owner));
	assert_false(dists_find(f->dists, NULL, "", &f->owner));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_list_owns_its_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_nobody_lists_has_nobody_behind_it, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_package_brings_no_directory_that_makes_it_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_two_list_is_neithers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_changed_directory_is_read_again, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_trees_eggs_and_wheels, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_metadata_made_to_break_the_reader, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_own_files_are_those_its_author_knew, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_own_files_of_two_are_neithers, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_own_files_of_old_lists_and_eggs, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_source_tree_that_a_site_names, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_source_tree_that_a_finder_maps, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_tree_that_is_somebody_elses, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_source_tree_by_egg_link, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_trees_made_to_break_the_reader, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
