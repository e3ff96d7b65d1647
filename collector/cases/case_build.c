/* SPDX-License-Identifier: Apache-2.0
 *
 * A case into the items of a log, taken in by the model of every run.
 */
#include <stdlib.h>
#include <string.h>

#include "cases_inner.h"

/* The state of one build: the next ids, and whether anything was refused. */
struct build {
	struct cases *cases;
	const struct test_case *test;
	struct model *model;
	uint32_t objects, stacks, chains, processes, functions;
	int error;
};

static struct str str_of(const char *text)
{
	return (struct str){text, (uint32_t)strlen(text)};
}

static void ingest(struct build *build, const struct item *item)
{
	int error = model_ingest(build->model, item);
	if (!build->error)
		build->error = error;
}

static uint16_t add_function(struct build *build, const char *name)
{
	struct item item = {.type = ITEM_FUNCTION, .function = {.name = str_of(name)}};
	if (!name || !*name)
		return 0;
	item.function.id = ++build->functions;
	ingest(build, &item);
	return (uint16_t)build->functions;
}

static uint32_t add_object(struct build *build, const struct case_subject *subject)
{
	struct item item = {.type = ITEM_OBJECT};
	bool is_main = subject->kind == SUBJECT_EXECUTABLE;
	bool is_python = subject->kind == SUBJECT_PYTHON;
	item.object = (struct item_object){
		.id = ++build->objects,
		.kind = is_python ? OBJECT_PYTHON : OBJECT_ELF,
		.is_main = is_main,
		.path = str_of(subject->path),
		.soname = str_of(is_main ? "" : subject->name),
		.build_id = str_of(subject->build_id),
		.package = str_of(subject->package),
		.package_version = str_of(subject->version),
		.inode = build->objects,
		.sha256 = str_of(subject->sha256),
		.root = str_of(is_python ? subject->path : ""),
	};
	ingest(build, &item);
	return build->objects;
}

/* The words that stand for nothing else in a chain of one process. */
struct process_parts {
	const struct case_subject *program, *script;
	uint32_t program_object;
};

static uint32_t stack_flags(const struct build *build, bool is_acting)
{
	const char *phase = build->test->phase;
	uint32_t flags = 0;
	if (!is_acting)
		return 0;
	if (build->test->is_partial)
		flags |= WIRE_STACK_PARTIAL;
	if (!strcmp(phase, "load"))
		flags |= STACK_PHASE_LOAD;
	if (!strcmp(phase, "startup"))
		flags |= STACK_PHASE_STARTUP;
	return flags;
}

static uint32_t add_chain(struct build *build, const uint32_t *objects, uint32_t count,
			  uint32_t process, uint32_t parent, bool is_acting)
{
	struct item_frame frames[CASE_LINKS_MAX];
	struct item item = {.type = ITEM_STACK};
	for (uint32_t i = 0; i < count; i++)
		frames[i] = (struct item_frame){.object = objects[i], .offset = 16 * (i + 1)};
	item.stack = (struct item_stack){.id = ++build->stacks,
					 .flags = stack_flags(build, is_acting),
					 .count = count,
					 .frames = frames};
	ingest(build, &item);
	item = (struct item){.type = ITEM_CHAIN,
			     .chain = {++build->chains, process, build->stacks, parent}};
	ingest(build, &item);
	return build->chains;
}

static const struct case_subject plain_app = {.kind = SUBJECT_EXECUTABLE,
					      .name = "app",
					      .path = "/opt/app/app",
					      .package = "",
					      .version = "",
					      .build_id = "",
					      .sha256 = "",
					      .origin = "",
					      .profile = "none"};

/* Objects of a chain's subjects into objects[]; who is the program and the script. */
static uint32_t add_objects(struct build *build, const struct case_chain *chain, uint32_t *objects,
			    struct process_parts *ret_parts)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < chain->count; i++) {
		const struct case_subject *subject = &chain->subjects[i];
		if (subject->kind == SUBJECT_SCRIPT) {
			ret_parts->script = subject;
			continue;
		}
		objects[count] = add_object(build, subject);
		if (subject->kind == SUBJECT_EXECUTABLE) {
			ret_parts->program = subject;
			ret_parts->program_object = objects[count];
		}
		count++;
	}
	return count;
}

static uint32_t add_process(struct build *build, const struct process_parts *parts, uint32_t parent,
			    uint32_t origin, bool is_acting)
{
	const struct test_case *test = build->test;
	uint32_t id = ++build->processes;
	const char *base = strrchr(parts->program->path, '/') + 1;
	struct str argv = {base, (uint32_t)strlen(base) + 1};
	struct item item = {.type = ITEM_PROCESS};
	item.process = (struct item_process){
		.id = id,
		.parent = parent,
		.origin_chain = origin,
		.how = parent ? PROCESS_EXEC : PROCESS_ROOT,
		.covered = true,
		.pid = 1000 + id,
		.uid = test->uid,
		.start_ns = id,
		.exe = str_of(parts->program->path),
		.argv = is_acting && test->argv.len ? test->argv : argv,
		.cwd = str_of(test->cwd),
		.home = str_of(test->home),
		.script = str_of(parts->script ? parts->script->path : ""),
		.exe_object = parts->program_object,
		.exe_sha256 = str_of(parts->program->sha256),
		.script_sha256 = str_of(parts->script ? parts->script->sha256 : ""),
		.script_origin = str_of(parts->script ? parts->script->origin : ""),
	};
	ingest(build, &item);
	return id;
}

/* One process and its chain; the acting one's thread may have been made by another chain. */
static uint32_t add_run(struct build *build, const struct case_chain *chain, uint32_t *process,
			uint32_t origin, bool is_acting)
{
	struct process_parts parts = {0};
	uint32_t objects[CASE_LINKS_MAX], count = add_objects(build, chain, objects, &parts);
	uint32_t thread_objects[CASE_LINKS_MAX], thread_count = 0, maker = 0;
	if (is_acting && build->test->thread.count)
		thread_count = add_objects(build, &build->test->thread, thread_objects, &parts);
	if (!parts.program) {
		parts.program = &plain_app;
		parts.program_object = add_object(build, &plain_app);
	}
	*process = add_process(build, &parts, *process, origin, is_acting);
	if (thread_count)
		maker = add_chain(build, thread_objects, thread_count, *process, 0, false);
	return add_chain(build, objects, count, *process, maker, is_acting);
}

static void add_target(struct build *build, const struct case_object *object, uint32_t process)
{
	struct item item = {.type = ITEM_NAME};
	if (*object->resolved && object->target.address_len) {
		item.name = (struct item_name){.process = process,
					       .address_len = object->target.address_len,
					       .name = str_of(object->resolved)};
		memcpy(item.name.address, object->target.address, sizeof(item.name.address));
		ingest(build, &item);
	}
	item = (struct item){.type = ITEM_TARGET, .target = object->target};
	item.target.id = 1;
	ingest(build, &item);
}

/* A file that was opened, or a variable that was looked up and is set. */
static struct item_event add_before(struct build *build, const char *name, uint32_t target,
				    const struct item_event *event)
{
	bool is_file = *name == '/';
	struct item item = {.type = ITEM_TARGET};
	struct item_event before = *event;
	item.target = (struct item_target){.id = target,
					   .kind = is_file ? TARGET_PATH : TARGET_VARIABLE,
					   .path = str_of(name),
					   .asked = str_of(is_file ? name : "")};
	ingest(build, &item);
	before.target = target;
	before.action = is_file ? WIRE_FILE_READ : WIRE_ENV_READ;
	before.result = 0;
	before.flags = 0;
	item = (struct item){.type = ITEM_EVENT, .event = before};
	ingest(build, &item);
	return before;
}

bool case_build(struct cases *cases, const struct test_case *test, uint32_t at,
		struct case_made *ret_made, const char **ret_problem)
{
	struct build build = {.cases = cases, .test = test};
	struct item run = {.type = ITEM_RUN,
			   .run = {.tool_version = STR_LIT("case"),
				   .host = STR_LIT(""),
				   .kernel = STR_LIT(""),
				   .service = STR_LIT(""),
				   .run_id = STR_LIT("case"),
				   .vantage = STR_LIT("both"),
				   .realtime_ns = test->realtime_ns}};
	uint32_t process = 0, origin = 0;
	*ret_made = (struct case_made){0};
	ret_made->model = build.model = model_new();
	*ret_problem = "out of memory";
	if (!build.model)
		return false;
	ingest(&build, &run);
	ret_made->event.function = add_function(&build, test->function);
	for (unsigned i = 0; i < WIRE_VIA_MAX && test->via[i]; i++)
		ret_made->event.via[i] = add_function(&build, test->via[i]);
	for (uint32_t i = test->starter_count; i-- > 0;)
		origin = add_run(&build, &test->starters[i], &process, origin, false);
	ret_made->event.chain = add_run(&build, &test->chain, &process, origin, true);
	add_target(&build, &test->objects[at], process);
	ret_made->event.process = process;
	ret_made->event.tid = 1000 + process;
	ret_made->event.target = 1;
	ret_made->event.action = (uint8_t)test->action;
	ret_made->event.result = test->result;
	ret_made->event.flags = test->event_flags;
	for (uint32_t i = 0; i < test->secret_count; i++)
		ret_made->before[i] = add_before(&build, test->secrets[i], 2 + i, &ret_made->event);
	struct item event = {.type = ITEM_EVENT, .event = ret_made->event};
	ingest(&build, &event);
	*ret_problem = "this is not a possible event";
	return !build.error;
}
