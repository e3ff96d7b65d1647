/* SPDX-License-Identifier: Apache-2.0
 *
 * What a verdict costs besides time: a repeated one allocates nothing and makes no system call at
 * all; a first one makes none either, once its subjects are known and the memory of verdicts has
 * grown; and that memory stops growing. malloc, calloc and realloc are wrapped by the linker.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include "test_policy_lab.h"

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);

static uint64_t calls;

void *__wrap_malloc(size_t bytes)
{
	calls++;
	return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	calls++;
	return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
	calls++;
	return __real_realloc(old, bytes);
}

#define TARGETS 3000u

static const char policy_text[] =
	"version: 1\n"
	"grants:\n"
	"  - via: [getaddrinfo]\n"
	"    file: {read: [/etc/hosts]}\n"
	"guards:\n"
	"  - {name: shadow, file: {read: [/etc/shadow, \"/d7*/**\"]}}\n"
	"profiles:\n"
	"  - name: a\n"
	"    match: {library: a.so}\n"
	"    file: {read: [\"/d1*/**\", \"**/x?\", \"/d2[0-9]/f*\", {path: /d3, expires: 2027-01-01}]}\n"
	"    network: {connect: [{to: [\"10.0.0.0/8\", \"*.example.org\"], ports: [1-1000]}]}\n"
	"    exec: {run: [git, {program: \"/usr/bin/**\", args: [a, \"**\"]}]}\n"
	"  - {name: b, match: {library: b.so}, carries: [file.*], watch: descendants, file: none}\n";

struct service {
	struct lab lab;
	uint32_t chains[3];
	uint32_t first_target;
};

static void target(struct lab *lab, struct item_target made)
{
	made.id = ++lab->targets;
	lab_ingest(lab, (struct item){.type = ITEM_TARGET, .target = made});
}

static void add_targets(struct lab *lab, unsigned round)
{
	char path[64];
	for (unsigned i = 0; i < TARGETS; i++) {
		snprintf(path, sizeof(path), "/d%u/f%u", i % 100, round * TARGETS + i);
		struct item_target made = {.kind = TARGET_PATH, .path = lab_str(path)};
		if (i % 3 == 1)
			made = (struct item_target){.kind = TARGET_PEER,
						    .proto = PROTO_TCP,
						    .address_len = 4,
						    .port = (uint16_t)i,
						    .address = {10, (uint8_t)round, (uint8_t)(i >> 8),
								(uint8_t)i}};
		if (i % 3 == 2)
			made = (struct item_target){.kind = TARGET_PROGRAM,
						    .path = lab_str(path),
						    .argv = {"git\0log", 7}};
		target(lab, made);
	}
}

static void service_open(struct service *service)
{
	struct lab *lab = &service->lab;
	char *errors = NULL;
	*service = (struct service){0};
	lab->policy = lab_load_one(policy_text, &errors);
	if (!lab->policy)
		print_error("%s", errors);
	free(errors);
	assert_non_null(lab->policy);
	lab->model = model_new();
	static const char *const names[] = {"a.so", "b.so", "c.so"};
	struct item_frame frames[3];
	for (unsigned i = 0; i < 3; i++) {
		lab_ingest(lab, (struct item){.type = ITEM_OBJECT,
					      .object = {.id = i + 1,
							 .kind = OBJECT_ELF,
							 .path = lab_str(names[i]),
							 .soname = lab_str(names[i]),
							 .package = lab_str("p")}});
	}
	lab_ingest(lab, (struct item){.type = ITEM_PROCESS,
				      .process = {.id = 1,
						  .how = PROCESS_ROOT,
						  .pid = 7,
						  .exe = lab_str("/bin/x"),
						  .home = lab_str("/root")}});
	for (uint32_t i = 0; i < 3; i++) {
		for (uint32_t k = 0; k < 3; k++)
			frames[k] = (struct item_frame){.object = (i + k) % 3 + 1, .offset = k + 1};
		lab_ingest(lab, (struct item){.type = ITEM_STACK,
					      .stack = {.id = i + 1, .count = 3, .frames = frames}});
		lab_ingest(lab, (struct item){.type = ITEM_CHAIN,
					      .chain = {.id = i + 1, .process = 1, .stack = i + 1}});
	}
	add_targets(lab, 0);
}

static void service_close(struct service *service)
{
	policy_free(service->lab.policy);
	model_free(service->lab.model);
}

/* One event on each of the newest targets, by every chain. How many deviate. */
static unsigned judge_all(struct service *service)
{
	static const uint8_t actions[] = {WIRE_FILE_READ, WIRE_NET_CONNECT, WIRE_EXEC_RUN};
	struct outcome outcomes[POLICY_OUTCOMES];
	unsigned deviations = 0;
	uint32_t last = service->lab.targets, first = last - TARGETS;
	for (uint32_t i = 0; i < TARGETS; i++) {
		struct item_event event = {.process = 1,
					   .chain = i % 3 + 1,
					   .target = first + i + 1,
					   .time_ns = i,
					   .action = actions[i % 3]};
		unsigned count =
			policy_judge(service->lab.policy, service->lab.model, &event, outcomes);
		for (unsigned k = 0; k < count; k++)
			deviations += outcomes[k].kind == OUTCOME_DEVIATES;
	}
	return deviations;
}

static void test_repeated(void **state)
{
	struct service service;
	(void)state;
	service_open(&service);
	unsigned deviations = judge_all(&service);
	assert_in_range(deviations, 10, 3 * TARGETS); /* not all alike */
	calls = 0;
	for (unsigned round = 0; round < 20; round++)
		assert_int_equal(judge_all(&service), deviations);
	assert_int_equal(calls, 0);
	service_close(&service);
}

/* The memory of verdicts doubles now and then, up to a bound: some dozen calls in half a million
 * first verdicts, and none once it has its size. */
static void test_first(void **state)
{
	struct service service;
	uint64_t growing = 0, at_last = 0;
	(void)state;
	service_open(&service);
	for (unsigned round = 1; round <= 180; round++) {
		add_targets(&service.lab, round);
		calls = 0;
		judge_all(&service);
		growing += calls;
		if (round > 90)
			at_last += calls;
	}
	assert_in_range(growing, 1, 64);
	assert_int_equal(at_last, 0);
	service_close(&service);
}

/* In a child that may only read, write and exit: any other system call ends it. */
static void test_no_system_call(void **state)
{
	struct service service;
	int status;
	(void)state;
	service_open(&service);
	judge_all(&service);
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
			_exit(77);
		for (unsigned round = 0; round < 5; round++)
			judge_all(&service);
		syscall(SYS_exit, 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	service_close(&service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_no_system_call),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
