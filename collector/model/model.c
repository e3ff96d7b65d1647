/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes items in: checks every reference, keeps copies. A definition that comes with the right id
 * but does not hold keeps its place as "nothing", so that one bad item does not disown all that
 * follow.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../preload/wire/ring.h"
#include "model_inner.h"

#define STACK_FRAMES_MAX 4096u

uint64_t model_serial(const struct model *model)
{
	return model->serial;
}

struct model *model_new(void)
{
	static uint64_t serials;
	struct model *model = calloc(1, sizeof(*model));
	if (!model)
		return NULL;
	model->scratch = calloc(CHAIN_LINKS_MAX, sizeof(*model->scratch));
	if (!model->scratch) {
		free(model);
		return NULL;
	}
	model->run = (struct item_run){STR_LIT(""), STR_LIT(""), STR_LIT(""), STR_LIT(""),
				       STR_LIT(""), 0,		 0,	      STR_LIT(""), false};
	model->serial = __atomic_add_fetch(&serials, 1, __ATOMIC_RELAXED);
	return model;
}

void model_free(struct model *model)
{
	if (!model)
		return;
	names_done(model);
	drops_done(model);
	secrets_done(model);
	table_done(&model->subjects);
	table_done(&model->objects);
	table_done(&model->stacks);
	table_done(&model->chains);
	table_done(&model->processes);
	table_done(&model->link_sets);
	targets_done(model);
	table_done(&model->functions);
	index_done(&model->subject_index);
	index_done(&model->link_index);
	index_done(&model->pipe_index);
	store_done(&model->store);
	free(model->scratch);
	free(model);
}

/* NULL when out of memory; hostile lengths were bounded by whoever read the record. */
static bool keep(struct model *model, struct str *string)
{
	string->data = str_is_valid(*string) ? store_bytes(&model->store, *string) : NULL;
	return string->data;
}

static int ingest_run(struct model *model, const struct item_run *item)
{
	struct item_run run = *item;
	if (model->run.tool_version.len || model->run.realtime_ns)
		return -EINVAL; /* one run per log */
	if (!keep(model, &run.tool_version) || !keep(model, &run.host) ||
	    !keep(model, &run.kernel) || !keep(model, &run.service) || !keep(model, &run.run_id) ||
	    !keep(model, &run.vantage))
		return -ENOMEM;
	model->run = run;
	return 0;
}

static int ingest_function(struct model *model, const struct item_function *item)
{
	if (item->id != model->functions.count + 1 || item->id > UINT16_MAX)
		return -EINVAL;
	char *name = store_string(&model->store, item->name);
	int error = table_push(&model->functions, name);
	return error ? error : name ? 0 : -ENOMEM;
}

static bool is_text(const char *text, struct str other)
{
	return strlen(text) == other.len && (!other.len || !memcmp(text, other.data, other.len));
}

/* A main object that comes after its process: from now on the process is known by it. */
static void adopt_executable(struct model *model, const struct item_object *item,
			     struct subject *subject)
{
	for (uint32_t id = 1; id <= model->processes.count; id++) {
		struct process_state *state = table_at(&model->processes, id);
		if (state && !state->process.exe_subject->object &&
		    is_text(state->process.exe, item->path) &&
		    (!item->sha256.len || !*state->process.exe_subject->sha256 ||
		     is_text(state->process.exe_subject->sha256, item->sha256)))
			state->process.exe_subject = subject;
	}
}

static bool object_is_valid(const struct model *model, const struct item_object *item)
{
	return item->kind >= OBJECT_ELF && item->kind <= OBJECT_SCRIPT && str_is_valid(item->root) &&
	       (!item->maker || table_at(&model->objects, item->maker)) &&
	       str_is_valid(item->path) && str_is_valid(item->soname) &&
	       str_is_valid(item->build_id) && str_is_valid(item->package) &&
	       str_is_valid(item->package_version) && str_is_valid(item->sha256);
}

static int ingest_object(struct model *model, const struct item_object *item)
{
	if (item->id != model->objects.count + 1)
		return -EINVAL;
	if (!object_is_valid(model, item)) {
		int error = table_push(&model->objects, NULL);
		return error ? error : -EINVAL;
	}
	struct object *object = store_alloc(&model->store, sizeof(*object));
	int error = table_push(&model->objects, object);
	if (!object || error)
		return -ENOMEM;
	if (item->is_shim || item->is_vdso)
		return 0;
	if (item->kind == OBJECT_CODE) {
		const struct object *maker = table_at(&model->objects, item->maker);
		object->subject = subject_for_code(model, maker ? maker->subject : NULL);
	} else {
		object->subject = subject_for_object(model, item);
		if (object->subject && item->is_main)
			adopt_executable(model, item, object->subject);
	}
	return object->subject ? 0 : -ENOMEM;
}

static int ingest_stack(struct model *model, const struct item_stack *item)
{
	if (item->id != model->stacks.count + 1)
		return -EINVAL;
	int error = -EINVAL;
	struct stack *stack = NULL;
	if (item->count <= STACK_FRAMES_MAX)
		stack = stack_fold(model, item, &error);
	int push_error = table_push(&model->stacks, stack);
	return push_error ? push_error : stack ? 0 : error;
}

static int ingest_chain(struct model *model, const struct item_chain *item)
{
	if (item->id != model->chains.count + 1)
		return -EINVAL;
	int error = -EINVAL;
	struct chain *chain = NULL;
	if (table_at(&model->processes, item->process) &&
	    (!item->stack || table_at(&model->stacks, item->stack)) &&
	    (!item->parent || table_at(&model->chains, item->parent)))
		chain = chain_take(model, item, &error);
	int push_error = table_push(&model->chains, chain);
	return push_error ? push_error : chain ? 0 : error;
}

/* The executable's subject: by object, else by the newest main object of that path, else bare. */
static struct subject *find_executable(struct model *model, const struct item_process *item)
{
	const struct object *object = table_at(&model->objects, item->exe_object);
	if (object && object->subject && object->subject->kind == SUBJECT_EXECUTABLE)
		return object->subject;
	for (uint32_t id = model->subjects.count; id; id--) {
		struct subject *subject = table_at(&model->subjects, id);
		if (subject->kind == SUBJECT_EXECUTABLE && is_text(subject->path, item->exe) &&
		    (!item->exe_sha256.len || is_text(subject->sha256, item->exe_sha256)))
			return subject;
	}
	return subject_for_path(model, SUBJECT_EXECUTABLE, item->exe, item->exe_sha256, STR_LIT(""));
}

static bool process_is_valid(const struct model *model, const struct item_process *item)
{
	bool is_how =
		item->how == PROCESS_ROOT || item->how == PROCESS_EXEC || item->how == PROCESS_FORK;
	return is_how && (!item->parent || table_at(&model->processes, item->parent)) &&
	       (!item->origin_chain || table_at(&model->chains, item->origin_chain)) &&
	       (!item->exe_object || table_at(&model->objects, item->exe_object)) &&
	       str_is_valid(item->exe) && str_is_valid(item->argv) && str_is_valid(item->cwd) &&
	       str_is_valid(item->home) && str_is_valid(item->script) &&
	       str_is_valid(item->cgroup) && str_is_valid(item->exe_sha256) &&
	       str_is_valid(item->script_sha256) && str_is_valid(item->script_origin);
}

/* The parent's string where it is the same: mostly it is. */
static char *inherit(struct model *model, char *parents, struct str own)
{
	if (parents && strlen(parents) == own.len &&
	    (!own.len || !memcmp(parents, own.data, own.len)))
		return parents;
	return store_string(&model->store, own);
}

static int process_fill(struct model *model, struct process *process,
			const struct item_process *item)
{
	struct process_state *parent = table_at(&model->processes, item->parent);
	process->id = item->id;
	process->pid = item->pid;
	process->inner_pid = item->inner_pid;
	process->uid = item->uid;
	process->start_ns = item->start_ns;
	process->is_covered = item->covered;
	process->how = item->how;
	process->parent = parent ? &parent->process : NULL;
	process->origin_chain = item->origin_chain;
	if (item->how == PROCESS_FORK && !item->origin_chain && parent)
		process->origin_chain = parent->process.origin_chain;
	const struct process *like = process->parent;
	process->exe = inherit(model, like ? like->exe : NULL, item->exe);
	process->argv = store_bytes(&model->store, item->argv);
	process->argv_len = item->argv.len;
	process->cwd = inherit(model, like ? like->cwd : NULL, item->cwd);
	process->home = inherit(model, like ? like->home : NULL, item->home);
	process->script = inherit(model, like ? like->script : NULL, item->script);
	process->cgroup = inherit(model, like ? like->cgroup : NULL, item->cgroup);
	process->exe_subject = find_executable(model, item);
	if (item->script.len)
		process->script_subject =
			subject_for_path(model, SUBJECT_SCRIPT, item->script, item->script_sha256,
					 item->script_origin);
	bool is_whole = process->exe && process->argv && process->cwd && process->home &&
			process->script && process->cgroup && process->exe_subject &&
			(!item->script.len || process->script_subject);
	return is_whole ? 0 : -ENOMEM;
}

static int ingest_process(struct model *model, const struct item_process *item)
{
	if (item->id != model->processes.count + 1)
		return -EINVAL;
	int error = -EINVAL;
	struct process_state *state = NULL;
	if (process_is_valid(model, item)) {
		error = -ENOMEM;
		state = store_alloc(&model->store, sizeof(*state));
		if (state)
			error = process_fill(model, &state->process, item);
	}
	const struct process_state *parent = table_at(&model->processes, item->parent);
	if (!error && parent && item->how == PROCESS_FORK) {
		state->names_at_fork = parent->names_count;
		state->resolvers_at_fork = parent->resolver_count;
	}
	int push_error = table_push(&model->processes, error ? NULL : state);
	if (!error && !push_error)
		error = pipes_begin(model, state, item);
	return push_error ? push_error : error;
}

static int ingest_process_end(struct model *model, const struct item_process_end *item)
{
	struct process_state *state = table_at(&model->processes, item->process);
	if (!state)
		return -EINVAL;
	state->process.is_ended = true;
	return 0;
}

static int check_event(const struct model *model, const struct item_event *event)
{
	if (!event->action || event->action >= WIRE_ACTIONS ||
	    !table_at(&model->processes, event->process) ||
	    !table_at(&model->chains, event->chain) ||
	    (event->target && !targets_at(model, event->target)) ||
	    event->function > model->functions.count)
		return -EINVAL;
	for (unsigned i = 0; i < WIRE_VIA_MAX && event->via[i]; i++)
		if (event->via[i] > model->functions.count)
			return -EINVAL;
	return 0;
}

static int ingest_event(struct model *model, const struct item_event *event)
{
	int error = check_event(model, event);
	if (!error)
		error = chain_ready(model, event->chain);
	if (!error && event->action == WIRE_NET_CONNECT)
		pipes_connected(model, event);
	return error;
}

static int check_hole(struct model *model, const struct item_hole *hole)
{
	bool is_good = hole->kind && hole->kind < HOLE_KINDS && hole->family <= WIRE_FAMILIES &&
		       (!hole->process || table_at(&model->processes, hole->process)) &&
		       (!hole->chain || table_at(&model->chains, hole->chain)) &&
		       str_is_valid(hole->what) && str_is_valid(hole->reason);
	return is_good ? chain_ready(model, hole->chain) : -EINVAL;
}

int model_ingest(struct model *model, const struct item *item)
{
	switch (item->type) {
	case ITEM_EVENT:
		return ingest_event(model, &item->event);
	case ITEM_RUN:
		return ingest_run(model, &item->run);
	case ITEM_FUNCTION:
		return ingest_function(model, &item->function);
	case ITEM_PROCESS:
		return ingest_process(model, &item->process);
	case ITEM_PROCESS_END:
		return ingest_process_end(model, &item->process_end);
	case ITEM_OBJECT:
		return ingest_object(model, &item->object);
	case ITEM_STACK:
		return ingest_stack(model, &item->stack);
	case ITEM_CHAIN:
		return ingest_chain(model, &item->chain);
	case ITEM_TARGET:
		return targets_add(model, &item->target);
	case ITEM_NAME:
		return names_add(model, &item->name);
	case ITEM_HOLE:
		return check_hole(model, &item->hole);
	case ITEM_POLICY:
	case ITEM_VARIABLE:
	case ITEM_END:
		return 0;
	}
	return -EINVAL;
}

const struct chain *model_chain(struct model *model, uint32_t id)
{
	return chain_ready(model, id) ? NULL : table_at(&model->chains, id);
}

const struct process *model_process(struct model *model, uint32_t id)
{
	return table_at(&model->processes, id);
}

const struct item_target *model_target(struct model *model, uint32_t id)
{
	return targets_at(model, id);
}

const char *model_function(struct model *model, uint32_t id)
{
	return table_at(&model->functions, id);
}

struct subject *model_subject(struct model *model, uint32_t id)
{
	return table_at(&model->subjects, id);
}

uint32_t model_subjects(struct model *model)
{
	return model->subjects.count;
}

const struct item_run *model_run(struct model *model)
{
	return &model->run;
}
