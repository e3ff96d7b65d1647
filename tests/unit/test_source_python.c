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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
