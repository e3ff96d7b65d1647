/* SPDX-License-Identifier: Apache-2.0
 *
 * A bench for the policy's tests: a real model fed with items, and a policy from a text.
 */
#ifndef SOWATCH_TEST_POLICY_LAB_H
#define SOWATCH_TEST_POLICY_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/policy/policy.h"

struct lab {
	struct model *model;
	struct policy *policy;
	uint32_t objects, processes, stacks, chains, targets, functions;
	struct outcome outcomes[POLICY_OUTCOMES];
	unsigned count;
	struct item_event event; /* the next event; lab_do() fills and clears it */
};

static inline struct str lab_str(const char *text)
{
	return (struct str){text ? text : "", text ? (uint32_t)strlen(text) : 0};
}

static inline void lab_ingest(struct lab *lab, struct item item)
{
	assert_int_equal(model_ingest(lab->model, &item), 0);
}

/* Loads texts (name, text, ..., NULL) as one policy; the errors printed go to *ret_errors. */
static inline struct policy *lab_load(const struct policy_text *texts, unsigned count,
				      const char *(*variable)(void *arg, const char *name),
				      char **ret_errors)
{
	size_t bytes;
	struct policy *policy = NULL;
	FILE *file = open_memstream(ret_errors, &bytes);
	struct policy_options options = {.variable = variable, .errors = file};
	assert_non_null(file);
	int errors = policy_load_texts(texts, count, &options, &policy);
	fclose(file);
	assert_int_equal(!errors, policy != NULL);
	return policy;
}

static inline struct policy *lab_load_one(const char *text, char **ret_errors)
{
	struct policy_text one = {(char *)"p.yaml", (char *)text, strlen(text)};
	return lab_load(&one, 1, NULL, ret_errors);
}

/* "version: 1" is put in front, so line 1 of text is line 2 of p.yaml. */
static inline void lab_open(struct lab *lab, const char *text)
{
	char *errors = NULL, *whole = NULL;
	memset(lab, 0, sizeof(*lab));
	assert_true(asprintf(&whole, "version: 1\n%s", text) > 0);
	lab->policy = lab_load_one(whole, &errors);
	if (!lab->policy)
		fail_msg("%s", errors);
	free(errors);
	free(whole);
	lab->model = model_new();
	assert_non_null(lab->model);
	lab_ingest(lab, (struct item){.type = ITEM_RUN,
				      .run = {.tool_version = STR_LIT("t"),
					      .realtime_ns = 1000000000000000000ull,
					      .monotonic_ns = 0}});
}

static inline void lab_close(struct lab *lab)
{
	policy_free(lab->policy);
	model_free(lab->model);
}

static inline uint32_t lab_function(struct lab *lab, const char *name)
{
	lab_ingest(lab, (struct item){.type = ITEM_FUNCTION,
				      .function = {++lab->functions, lab_str(name)}});
	return lab->functions;
}

static inline uint32_t lab_object_of(struct lab *lab, struct item_object object)
{
	object.id = ++lab->objects;
	object.kind = object.kind ? object.kind : OBJECT_ELF;
	object.inode = object.id;
	lab_ingest(lab, (struct item){.type = ITEM_OBJECT, .object = object});
	return lab->objects;
}

/* A library of a package, in a system directory. */
static inline uint32_t lab_library(struct lab *lab, const char *soname)
{
	char path[256];
	snprintf(path, sizeof(path), "/usr/lib/x86_64-linux-gnu/%s", soname);
	return lab_object_of(lab, (struct item_object){.path = lab_str(path),
						       .soname = lab_str(soname),
						       .package = lab_str(soname)});
}

static inline uint32_t lab_main(struct lab *lab, const char *path, const char *package)
{
	return lab_object_of(lab, (struct item_object){.path = lab_str(path),
						       .is_main = true,
						       .package = lab_str(package)});
}

/* parent 0: the root. Its pid is 1000 + its id, its home /home/u. */
static inline uint32_t lab_process(struct lab *lab, uint32_t parent, uint32_t origin,
				   uint32_t exe_object, const char *exe, const char *script)
{
	uint32_t id = ++lab->processes;
	lab_ingest(lab, (struct item){.type = ITEM_PROCESS,
				      .process = {.id = id,
						  .parent = parent,
						  .origin_chain = origin,
						  .how = parent ? PROCESS_EXEC : PROCESS_ROOT,
						  .covered = true,
						  .pid = 1000 + id,
						  .start_ns = id,
						  .exe = lab_str(exe),
						  .home = STR_LIT("/home/u"),
						  .script = lab_str(script),
						  .exe_object = exe_object}});
	return id;
}

/* objects: 0-terminated, innermost first; a negative number is an inferred frame. */
static inline uint32_t lab_chain_of(struct lab *lab, uint32_t process, uint32_t parent,
				    uint32_t flags, const int *objects)
{
	struct item_frame frames[32];
	uint32_t count = 0;
	for (; objects[count]; count++)
		frames[count] =
			(struct item_frame){.object = (uint32_t)abs(objects[count]),
					    .offset = 16 + count,
					    .flags = objects[count] < 0 ? WIRE_FRAME_INFERRED : 0};
	lab_ingest(lab, (struct item){.type = ITEM_STACK,
				      .stack = {++lab->stacks, flags, count, frames}});
	lab_ingest(lab, (struct item){.type = ITEM_CHAIN,
				      .chain = {++lab->chains, process, lab->stacks, parent}});
	return lab->chains;
}

#define lab_chain(lab, process, ...) lab_chain_of(lab, process, 0, 0, (const int[]){__VA_ARGS__, 0})

static inline uint32_t lab_target(struct lab *lab, struct item_target target)
{
	target.id = ++lab->targets;
	lab_ingest(lab, (struct item){.type = ITEM_TARGET, .target = target});
	return lab->targets;
}

static inline uint32_t lab_path(struct lab *lab, const char *path)
{
	return lab_target(lab, (struct item_target){.kind = TARGET_PATH,
						    .path = lab_str(path),
						    .asked = lab_str(path)});
}

static inline uint32_t lab_peer(struct lab *lab, const char *address, uint16_t port, uint8_t proto)
{
	struct item_target target = {
		.kind = TARGET_PEER, .port = port, .proto = proto, .address_len = 4};
	if (inet_pton(AF_INET, address, target.address) != 1) {
		target.address_len = 16;
		assert_int_equal(inet_pton(AF_INET6, address, target.address), 1);
	}
	return lab_target(lab, target);
}

static inline uint32_t lab_text(struct lab *lab, enum target_kind kind, const char *text)
{
	return lab_target(lab, (struct item_target){.kind = (uint8_t)kind,
						    .path = lab_str(text),
						    .asked = lab_str(text)});
}

static inline void lab_name(struct lab *lab, uint32_t process, const char *address,
			    const char *name)
{
	struct item_name item = {.process = process, .address_len = 4, .name = lab_str(name)};
	assert_int_equal(inet_pton(AF_INET, address, item.address), 1);
	lab_ingest(lab, (struct item){.type = ITEM_NAME, .name = item});
}

/* Judges one event; what else it needs was put into lab->event before. */
static inline const struct outcome *lab_do(struct lab *lab, uint32_t chain, unsigned action,
					   uint32_t target, int32_t result)
{
	const struct chain *links = model_chain(lab->model, chain);
	lab->event.chain = chain;
	lab->event.action = (uint8_t)action;
	lab->event.target = target;
	lab->event.result = result;
	if (links)
		lab->event.process = links->process;
	lab->count = policy_judge(lab->policy, lab->model, &lab->event, lab->outcomes);
	assert_in_range(lab->count, 1, POLICY_OUTCOMES);
	for (unsigned i = 0; i < lab->count; i++) {
		assert_non_null(lab->outcomes[i].charged);
		assert_non_null(lab->outcomes[i].judged_by);
		assert_non_null(lab->outcomes[i].reason);
		assert_non_null(lab->outcomes[i].method_name);
	}
	memset(&lab->event, 0, sizeof(lab->event));
	return &lab->outcomes[0];
}

static const char *const lab_kinds[] = {"?", "allowed", "not judged", "deviates",
					 "unheard"};

/* "deviates libfoo.so": what [0] says, and about whom. */
#define lab_expect(got, expected)                                                                  \
	do {                                                                                       \
		char text_[256];                                                                   \
		const struct outcome *outcome_ = (got);                                            \
		snprintf(text_, sizeof(text_), "%s %s", lab_kinds[outcome_->kind],                 \
			 outcome_->charged->subject->name);                                        \
		assert_string_equal(text_, expected);                                              \
	} while (0)

#endif
