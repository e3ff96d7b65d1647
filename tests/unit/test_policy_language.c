/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of the language one by one: what they mean to a verdict.
 */
#include "collector/policy/policy_inner.h"
#include "test_policy_lab.h"

/* --- match ------------------------------------------------------------------------------------- */

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA_UPPER "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA_OTHER "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char match_text[] =
	"profiles:\n"
	"  - {name: digest, match: {sha256: " SHA_UPPER "}, file: none, carries: [net.*]}\n"
	"  - {name: build, match: {library: libx.so, build-id: aabbccdd}, file: none}\n"
	"  - {name: path, match: {library: /opt/libx.so}, file: none}\n"
	"  - {name: old, match: {package: libx1, version: \">=3.0 <3.0.9\"}, file: none}\n"
	"  - {name: narrow, match: {package: libx1, version: \">=3.0 <3.0.9 !=3.0.7\"}, file: none}\n"
	"  - {name: name, match: {library: libx.so}, file: none}\n"
	"  - {name: vulnerable, match: {python: Redis, version: \">=4.2 <4.5.4\"}, file: none}\n"
	"  - {name: redis, match: {python: redis}, file: none, carries: [net.*]}\n"
	"  - {name: dotted, match: {python: \"my_.pkg-[a-b]*\"}, file: none}\n"
	"  - {name: any-of, match: [{package: py-x, version: \"<2\"}], file: none}\n"
	"  - {name: fetched, match: {origin: \"*codecov.io:443\"}, file: none}\n"
	"  - {name: both, match: {script: up.sh, origin: \"*\"}, exec: none}\n";

struct found {
	struct lab *lab;
	uint32_t id;
};

/* The profile that answers for files of a subject, or "none". */
static const char *found(struct found *found, struct subject subject)
{
	const char *const empty = "";
	subject.id = ++found->id;
	subject.name = subject.name ? subject.name : (char *)empty;
	subject.path = subject.path ? subject.path : (char *)empty;
	subject.build_id = subject.build_id ? subject.build_id : (char *)empty;
	subject.package = subject.package ? subject.package : (char *)empty;
	const struct policy_binding *binding =
		policy_binding_of(found->lab->policy, &subject);
	return binding->primary ? binding->primary->name : "none";
}

static void test_match(void **state)
{
	struct lab lab;
	(void)state;
	lab_open(&lab, match_text);
	struct found f = {&lab, 0};
	struct subject x = {.kind = SUBJECT_LIBRARY,
			    .name = (char *)"libx.so",
			    .path = (char *)"/opt/libx.so",
			    .package = (char *)"libx1",
			    .package_version = (char *)"3.0.8-1",
			    .build_id = (char *)"aabbccdd",
			    .sha256 = (char *)SHA};
	assert_string_equal(found(&f, x), "digest");
	x.sha256 = (char *)SHA_OTHER;
	assert_string_equal(found(&f, x), "build");
	x.sha256 = NULL; /* not taken */
	assert_string_equal(found(&f, x), "build");
	x.build_id = (char *)"aabbccde";
	assert_string_equal(found(&f, x), "path");
	x.path = (char *)"/usr/lib/libx.so";
	assert_string_equal(found(&f, x), "narrow");
	x.package_version = (char *)"3.0.7-2";
	assert_string_equal(found(&f, x), "narrow"); /* 3.0.7-2 is not 3.0.7 */
	x.package_version = (char *)"3.0.7";
	assert_string_equal(found(&f, x), "old");
	x.package_version = (char *)"3.0.9";
	assert_string_equal(found(&f, x), "name");
	x.package_version = (char *)"";
	assert_string_equal(found(&f, x), "name");
	x.name = (char *)"liby.so";
	assert_string_equal(found(&f, x), "none");
	assert_true(policy_wants_digests(lab.policy));
	lab_close(&lab);
}

static void test_match_python(void **state)
{
	struct lab lab;
	(void)state;
	lab_open(&lab, match_text);
	struct found f = {&lab, 0};
	struct subject p = {.kind = SUBJECT_PYTHON,
			    .name = (char *)"redis",
			    .package_version = (char *)"4.5.3"};
	assert_string_equal(found(&f, p), "vulnerable");
	p.package_version = (char *)"4.5.4";
	assert_string_equal(found(&f, p), "redis");
	p.package_version = (char *)"4.2.0rc1"; /* dpkg would put it behind 4.2 */
	assert_string_equal(found(&f, p), "redis");
	p.package_version = (char *)"not a version";
	assert_string_equal(found(&f, p), "redis");
	p.name = (char *)"my-pkg-abc";
	assert_string_equal(found(&f, p), "dotted");
	p.name = (char *)"my-pkg-c";
	assert_string_equal(found(&f, p), "none");
	/* `package` beside it is asked of a distribution's owner, its version by PEP 440. */
	p.package = (char *)"py-x";
	p.package_version = (char *)"2.0a1";
	assert_string_equal(found(&f, p), "none");
	p.package_version = (char *)"1.9";
	assert_string_equal(found(&f, p), "any-of");
	/* A library of that name is no distribution. */
	p = (struct subject){.kind = SUBJECT_LIBRARY, .name = (char *)"redis"};
	assert_string_equal(found(&f, p), "none");
	lab_close(&lab);
}

static void test_match_origin(void **state)
{
	struct lab lab;
	(void)state;
	lab_open(&lab, match_text);
	struct found f = {&lab, 0};
	struct subject s = {.kind = SUBJECT_SCRIPT,
			    .name = (char *)"up.sh",
			    .path = (char *)"/dev/fd/63",
			    .origin = (char *)"fetched from codecov.io:443"};
	assert_string_equal(found(&f, s), "fetched");
	s.origin = (char *)"fetched from example.org:443";
	assert_string_equal(found(&f, s), "both");
	s.origin = (char *)"";
	assert_string_equal(found(&f, s), "none");
	lab_close(&lab);
}

/* What the log holds arrives at the subject: two files of one path are two subjects. */
static void test_digest_and_origin_from_items(void **state)
{
	struct lab lab;
	(void)state;
	lab_open(&lab, "profiles:\n"
		       "  - {name: lib, match: {library: libx.so, sha256: " SHA "}, file: none}\n"
		       "  - {name: tool, match: {executable: tool, sha256: " SHA "}, exec: none}\n"
		       "  - {name: up, match: {origin: \"evil:80\", sha256: " SHA "}, network: none}\n");
	uint32_t good = lab_object_of(
		&lab, (struct item_object){.path = STR_LIT("/l/libx.so"), .sha256 = STR_LIT(SHA)});
	uint32_t other = lab_object_of(&lab, (struct item_object){.path = STR_LIT("/l/libx.so"),
								  .sha256 = STR_LIT(SHA_OTHER)});
	lab_ingest(&lab, (struct item){.type = ITEM_PROCESS,
				       .process = {.id = ++lab.processes,
						   .how = PROCESS_ROOT,
						   .exe = STR_LIT("/opt/tool"),
						   .exe_sha256 = STR_LIT(SHA)}});
	uint32_t process = lab.processes, file = lab_path(&lab, "/x");
	lab_expect(lab_do(&lab, lab_chain(&lab, process, (int)good), WIRE_FILE_READ, file, 3),
		   "deviates libx.so");
	lab_expect(lab_do(&lab, lab_chain(&lab, process, (int)other), WIRE_FILE_READ, file, 3),
		   "not judged libx.so");
	uint32_t program = lab_text(&lab, TARGET_PROGRAM, "/bin/x");
	uint32_t empty = lab_chain_of(&lab, process, 0, 0, (const int[]){0});
	lab_expect(lab_do(&lab, empty, WIRE_EXEC_RUN, program, 0), "deviates tool");
	lab_ingest(&lab, (struct item){.type = ITEM_PROCESS,
				       .process = {.id = ++lab.processes,
						   .how = PROCESS_ROOT,
						   .exe = STR_LIT("/opt/tool"),
						   .exe_sha256 = STR_LIT(SHA_OTHER),
						   .script = STR_LIT("/dev/fd/63"),
						   .script_sha256 = STR_LIT(SHA),
						   .script_origin = STR_LIT("evil:80")}});
	empty = lab_chain_of(&lab, lab.processes, 0, 0, (const int[]){0});
	lab_expect(lab_do(&lab, empty, WIRE_EXEC_RUN, program, 0), "not judged 63");
	uint32_t peer = lab_peer(&lab, "10.0.0.1", 80, PROTO_TCP);
	lab_expect(lab_do(&lab, empty, WIRE_NET_CONNECT, peer, 0), "deviates 63");
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_match_python),
		cmocka_unit_test(test_match_origin),
		cmocka_unit_test(test_digest_and_origin_from_items),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
