/* SPDX-License-Identifier: Apache-2.0
 *
 * The shipped profiles: what each must flag, whoever called it, and what it must let pass.
 */
#include "test_policy_lab.h"

#define POLICIES "../../policies"

/* Acts, one letter each: capital letters must deviate, small ones must not. */
static const struct act {
	char letter;
	unsigned action;
	enum target_kind kind;
	const char *object;
} acts[] = {
	{'c', WIRE_NET_CONNECT, TARGET_PEER, "127.0.0.66"},
	{'n', WIRE_NET_RESOLVE, TARGET_NAME, "evil.example.org"},
	{'b', WIRE_NET_BIND, TARGET_PEER, "127.0.0.66"},
	{'x', WIRE_EXEC_RUN, TARGET_PROGRAM, "/usr/bin/dash"},
	{'o', WIRE_EXEC_RUN, TARGET_PROGRAM, "/tmp/payload"},
	{'l', WIRE_EXEC_LOAD, TARGET_OBJECT, "/tmp/evil.so"},
	{'r', WIRE_FILE_READ, TARGET_PATH, "/home/u/.ssh/id_rsa"},
	{'w', WIRE_FILE_WRITE, TARGET_PATH, "/home/u/.config/x"},
	{'d', WIRE_FILE_DELETE, TARGET_PATH, "/home/u/document"},
	/* What libc and the machine make anybody do. */
	{'z', WIRE_FILE_READ, TARGET_PATH, "/etc/localtime"},
	{'m', WIRE_FILE_READ, TARGET_PATH, "/proc/sys/vm/overcommit_memory"},
	/* Guards: nobody at all. */
	{'s', WIRE_FILE_WRITE, TARGET_PATH, "/home/u/.bashrc"},
	{'i', WIRE_FILE_READ, TARGET_PATH, "/proc/1/mem"},
	{'e', WIRE_EXEC_RUN, TARGET_PROGRAM, "/memfd:x"},
};

static const struct must {
	const char *subject, *acts;
} libraries[] = {
	/* Codecs, compression, parsing, arithmetic: nothing of their own. */
	{"liblzma.so.5", "CNBXOLRWDzmSIE"},
	{"libzstd.so.1", "CNBXOLRWDzmSIE"},
	{"liblz4.so.1", "CNBXOLRWDzmSIE"},
	{"libpng16.so.16", "CNBXOLRWDzmSIE"},
	{"libjpeg.so.62", "CNBXOLRWDzmSIE"},
	{"libwebp.so.7", "CNBXOLRWDzmSIE"},
	{"libgmp.so.10", "CNBXOLRWDzmSIE"},
	{"libtinfo.so.6", "CNBXOLRWDzmSIE"},
	{"libgcc_s.so.1", "CNBXOLRWDzmSIE"},
	{"libpcre2-8.so.0", "CNBXOLRWDzmSIE"},
	{"libtcmalloc.so.4", "CNBXOLRWDzmSIE"},
	{"libjemalloc.so.2", "CNBXOLRWDzmSIE"},
	{"libidn2.so.0", "CNBXOLRWDzmSIE"},
	{"libselinux.so.1", "CNBXOLRWDzmSIE"},
	/* These open the file their caller names, and do nothing else for him. */
	{"libz.so.1", "CNBXOLrwDzmSIE"},
	{"libbz2.so.1.0", "CNBXOLrwDzmSIE"},
	{"libtiff.so.6", "CNBXOLrwDzmSIE"},
	{"libfreetype.so.6", "CNBXOLrwDzmSIE"},
	{"libexpat.so.1", "CNBXOLrWDzmSIE"},
	{"libmagic.so.1", "CNBXOLrWDzmSIE"},
	{"libsqlite3.so.0", "CNBXOlrwdzmSIE"},
	{"libreadline.so.8", "CNBXOLrwdzmSIE"},
	{"libstdc++.so.6", "CNBXOLrwdzmSIE"},
	{"libgnutls.so.30", "CNBXOLrwdzmSIE"},
	/* These also connect for him. */
	{"libcurl.so.4", "cnbXOLrwdzmSIE"},
	{"libcrypto.so.3", "cnbXOLrwdzmSIE"},
	{"libssl.so.3", "cnbXOLrwdzmSIE"},
	{"libxml2.so.2", "cnbXOLrwDzmSIE"},
	{"libpq.so.5", "cnbXOLRWDzmSIE"},
	{"libhiredis.so.0.14", "cnbXOLRWDzmSIE"},
	{"libldap-2.5.so.0", "cnbXOLRWDzmSIE"},
	{"libnghttp2.so.14", "cnbXOLrWDzmSIE"},
	{"libgit2.so.1.5", "cnbXOLrwdzmSIE"},
	/* These connect on their own account, to few. */
	{"libdbus-1.so.3", "CNBXOLRWDzmSIE"},
	{"libsystemd.so.0", "CNBXOLRWDzmSIE"},
	{"libp11-kit.so.0", "CNBXOLRWDzmSIE"},
	{"libnss_systemd.so.2", "CNBXOLRWDzmSIE"},
	{"libcares.so.2", "CnBXOLRWDzmSIE"},
	/* Interpreters' parts. */
	{"_json.cpython-311-x86_64-linux-gnu.so", "CNBXOlrwdzmSIE"},
	{"_sqlite3.cpython-311-x86_64-linux-gnu.so", "CNBXOlrwdzmSIE"},
	{"_socket.cpython-311-x86_64-linux-gnu.so", "cnbXOlrwdzmSIE"},
	{"_posixsubprocess.cpython-311-x86_64-linux-gnu.so", "cnbxolrwdzmSIE"},
	/* What carries everything still may not do what nobody may. */
	{"libc.so.6", "cnbxolrwdzmSIE"},
	{"libglib-2.0.so.0", "cnbxolrwdzmSIE"},
};

static const struct must executables[] = {
	{"/usr/sbin/nginx", "cnbXOLrwdzmSIE"},
	{"/usr/bin/redis-server", "cnbXOLrWDzmSIE"},
	{"/usr/bin/redis-cli", "cnBXOLRWDzmSIE"},
	{"/usr/bin/curl", "cnbXOLrwdzmSIE"},
	{"/usr/bin/wget", "cnbXOLrwdzmSIE"},
	{"/usr/bin/git", "cnbxOLrwdzmSIE"},
	{"/usr/bin/bash", "cnbxolrwdzmSIE"},
	{"/usr/bin/python3.11", "cnbxolrwdzmSIE"},
	/* The only ones that may look into others, and nothing more. */
	{"/usr/bin/gdb", "cnbxolrwdzmSiE"},
};

static struct policy *load(void)
{
	static const char *const paths[] = {POLICIES};
	struct policy_options options = {.errors = stderr};
	struct policy *policy = NULL;
	assert_int_equal(policy_load(paths, 1, &options, &policy), 0);
	return policy;
}

/* An app without profile; the policy under test takes the place of the lab's own. */
static void open_lab(struct lab *lab)
{
	lab_open(lab, "profiles: []\n");
	policy_free(lab->policy);
	lab->policy = load();
}

static uint32_t target_of(struct lab *lab, const struct act *act)
{
	if (act->kind == TARGET_PEER)
		return lab_peer(lab, act->object, 443, PROTO_TCP);
	return lab_text(lab, act->kind, act->object);
}

static bool deviates(struct lab *lab, uint32_t chain, const struct act *act)
{
	lab_do(lab, chain, act->action, target_of(lab, act), 0);
	for (unsigned i = 0; i < lab->count; i++)
		if (lab->outcomes[i].kind == OUTCOME_DEVIATES)
			return true;
	return false;
}

static unsigned check(struct lab *lab, uint32_t chain, const struct must *must)
{
	unsigned wrong = 0;
	assert_int_equal(strlen(must->acts), sizeof(acts) / sizeof(acts[0]));
	for (const char *letter = must->acts; *letter; letter++) {
		const struct act *act = acts;
		while (act->letter != (*letter | 0x20))
			act++;
		bool must_deviate = !(*letter & 0x20);
		if (deviates(lab, chain, act) == must_deviate)
			continue;
		print_error("%s: %c: %s %s\n", must->subject, *letter, act->object,
			    must_deviate ? "must deviate" : "must not deviate");
		wrong++;
	}
	return wrong;
}

static void test_libraries(void **state)
{
	(void)state;
	struct lab lab;
	unsigned wrong = 0;
	open_lab(&lab);
	uint32_t app = lab_main(&lab, "/opt/app", "");
	uint32_t process = lab_process(&lab, 0, 0, app, "/opt/app", "");
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		uint32_t library = lab_library(&lab, libraries[i].subject);
		wrong += check(&lab, lab_chain(&lab, process, library, app), &libraries[i]);
	}
	assert_int_equal(wrong, 0);
	lab_close(&lab);
}

static void test_executables(void **state)
{
	(void)state;
	struct lab lab;
	unsigned wrong = 0;
	open_lab(&lab);
	for (size_t i = 0; i < sizeof(executables) / sizeof(executables[0]); i++) {
		const char *path = executables[i].subject;
		uint32_t exe = lab_main(&lab, path, "package");
		uint32_t process = lab_process(&lab, 0, 0, exe, path, "");
		wrong += check(&lab, lab_chain(&lab, process, exe), &executables[i]);
	}
	assert_int_equal(wrong, 0);
	lab_close(&lab);
}

/* A copy that no package owns carries nothing: what its profile forbids itself, it is charged. */
static void test_dropped_libraries(void **state)
{
	(void)state;
	static const char *const names[] = {"libcurl.so.4", "libssl.so.3", "libpq.so.5",
					    "libxml2.so.2"};
	struct lab lab;
	open_lab(&lab);
	uint32_t app = lab_main(&lab, "/opt/app", "");
	uint32_t process = lab_process(&lab, 0, 0, app, "/opt/app", "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[64];
		snprintf(path, sizeof(path), "/tmp/%s", names[i]);
		uint32_t fake =
			lab_object_of(&lab, (struct item_object){.path = lab_str(path),
								 .soname = lab_str(names[i])});
		uint32_t chain = lab_chain(&lab, process, fake, app);
		assert_true(deviates(&lab, chain, &acts[0]));
		assert_string_equal(lab.outcomes[0].charged->subject->name, names[i]);
	}
	lab_close(&lab);
}

/* libc is nobody's act also where no package data base can be asked; a copy anywhere else is. */
static void test_libc_without_package(void **state)
{
	(void)state;
	static const struct {
		const char *path, *charged;
	} copies[] = {{"/lib/x86_64-linux-gnu/libc.so.6", "liblzma.so.5"},
		      {"/usr/lib64/libc.so.6", "liblzma.so.5"},
		      {"/tmp/libc.so.6", "libc.so.6"}};
	struct lab lab;
	open_lab(&lab);
	uint32_t lzma = lab_library(&lab, "liblzma.so.5");
	uint32_t app = lab_main(&lab, "/opt/app", "");
	uint32_t process = lab_process(&lab, 0, 0, app, "/opt/app", "");
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		uint32_t libc = lab_object_of(
			&lab, (struct item_object){.path = lab_str(copies[i].path),
						   .soname = STR_LIT("libc.so.6")});
		uint32_t chain = lab_chain(&lab, process, libc, lzma, app);
		assert_true(deviates(&lab, chain, &acts[0]));
		assert_string_equal(lab.outcomes[0].charged->subject->name, copies[i].charged);
		assert_string_equal(lab.outcomes[0].judged_by->subject->name, "liblzma.so.5");
	}
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libraries),
		cmocka_unit_test(test_executables),
		cmocka_unit_test(test_dropped_libraries),
		cmocka_unit_test(test_libc_without_package),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
