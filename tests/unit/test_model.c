/* SPDX-License-Identifier: Apache-2.0
 *
 * Who was on the chain: folding, thread and exec origin, scripts, forks, names.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "collector/model/model.h"
#include "collector/target_kept.h"
#include "scene.h"

static int ingest(void *arg, const struct item *item)
{
	return model_ingest(arg, item);
}

/* app with libfoo and libc; the ids every test starts with. */
struct fixture {
	struct model *model;
	struct scene scene;
	uint32_t app, libfoo, libc, shim, process;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	fixture = (struct fixture){.model = model_new()};
	fixture.scene = (struct scene){.feed = ingest, .arg = fixture.model};
	struct scene *scene = &fixture.scene;
	scene_run(scene);
	fixture.app = scene_main_object(scene, "/usr/bin/app");
	fixture.libfoo = scene_library(scene, "/usr/lib/libfoo.so.1.2", "libfoo.so.1");
	fixture.libc = scene_library(scene, "/usr/lib/libc.so.6", "libc.so.6");
	fixture.shim =
		scene_object(scene, (struct item_object){.path = STR_LIT("/usr/lib/libsowatch.so"),
							 .is_shim = true});
	fixture.process = scene_root(scene, "/usr/bin/app", fixture.app);
	assert_int_equal(scene->result, 0);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	model_free(fixture->model);
	return 0;
}

/* "libfoo.so.1 app| sh|": names innermost first; T starts a thread, | a process, ~ inferred. */
static const char *spell(const struct chain *chain)
{
	static char text[4096];
	text[0] = 0;
	assert_non_null(chain);
	for (uint32_t i = 0; i < chain->count; i++) {
		const struct chain_link *link = &chain->links[i];
		strcat(text, i ? " " : "");
		strcat(text, link->is_inferred ? "~" : "");
		strcat(text, link->subject->name);
		strcat(text, link->starts_thread ? "/" : "");
		strcat(text, link->starts_process ? "|" : "");
	}
	return text;
}

static const struct chain *chain_of(struct fixture *f, uint32_t flags, unsigned count,
				    const uint32_t *frames)
{
	uint32_t stack = scene_stack(&f->scene, flags, count, frames);
	return model_chain(f->model, scene_chain(&f->scene, f->process, stack, 0));
}

static void test_fold(void **state)
{
	struct fixture *f = *state;
	const uint32_t frames[] = {f->libfoo, f->libfoo, f->shim, f->libfoo,
				   f->app,    f->libc,	 f->app};
	const struct chain *chain = chain_of(f, 0, 7, frames);
	assert_string_equal(spell(chain), "libfoo.so.1 app libc.so.6 app|");
	assert_int_equal(chain->links[0].offset, 0x100); /* the innermost of the fold */
	assert_int_equal(chain->links[1].offset, 0x500);
	assert_int_equal(chain->own_count, 4);
	assert_int_equal(chain->seen_count, 4);
	assert_false(chain->is_partial);
	assert_int_equal(chain->links[0].subject->kind, SUBJECT_LIBRARY);
	assert_int_equal(chain->links[1].subject->kind, SUBJECT_EXECUTABLE);
	assert_ptr_equal(chain->links[1].subject, chain->links[3].subject);
}

static void test_callback_belongs_to_the_app(void **state)
{
	struct fixture *f = *state;
	const uint32_t frames[] = {f->app, f->libfoo, f->app};
	assert_string_equal(spell(chain_of(f, 0, 3, frames)), "app libfoo.so.1 app|");
}

static void test_inferred_by_tail_call(void **state)
{
	struct fixture *f = *state;
	const uint32_t only[] = {f->libfoo | SCENE_INFERRED, f->app};
	const struct chain *chain = chain_of(f, 0, 2, only);
	assert_string_equal(spell(chain), "~libfoo.so.1 app|");
	assert_true(chain->has_inferred);
	const uint32_t both[] = {f->libfoo | SCENE_INFERRED, f->libfoo, f->app};
	chain = chain_of(f, 0, 3, both);
	assert_string_equal(spell(chain), "libfoo.so.1 app|"); /* one frame of it is real */
	assert_true(chain->has_inferred);
}

static void test_thread_origin(void **state)
{
	struct fixture *f = *state;
	const uint32_t creator[] = {f->libfoo, f->app};
	const uint32_t thread[] = {f->libfoo, f->libc};
	uint32_t parent =
		scene_chain(&f->scene, f->process, scene_stack(&f->scene, 0, 2, creator), 0);
	uint32_t id =
		scene_chain(&f->scene, f->process, scene_stack(&f->scene, 0, 2, thread), parent);
	const struct chain *chain = model_chain(f->model, id);
	/* The fold stops at the thread's beginning. */
	assert_string_equal(spell(chain), "libfoo.so.1 libc.so.6/ libfoo.so.1 app|");
	assert_int_equal(chain->own_count, 4);
}

static void test_exec_origin_and_script(void **state)
{
	struct fixture *f = *state;
	struct scene *scene = &f->scene;
	const uint32_t system_call[] = {f->libfoo, f->app};
	uint32_t origin = scene_chain(scene, f->process, scene_stack(scene, 0, 2, system_call), 0);
	uint32_t bash = scene_main_object(scene, "/usr/bin/bash");
	uint32_t shell =
		scene_process(scene, (struct item_process){.parent = f->process,
							   .how = PROCESS_EXEC,
							   .origin_chain = origin,
							   .exe = STR_LIT("/usr/bin/bash"),
							   .script = STR_LIT("/srv/codecov"),
							   .exe_object = bash});
	const uint32_t spawn[] = {bash, f->libc, bash};
	uint32_t exec = scene_chain(scene, shell, scene_stack(scene, 0, 3, spawn), 0);
	assert_string_equal(spell(model_chain(f->model, exec)),
			    "bash libc.so.6 bash codecov| libfoo.so.1 app|");
	uint32_t curl = scene_main_object(scene, "/usr/bin/curl");
	uint32_t libcurl = scene_library(scene, "/usr/lib/libcurl.so.4.8", "libcurl.so.4");
	uint32_t child = scene_process(scene, (struct item_process){.parent = shell,
								    .how = PROCESS_EXEC,
								    .origin_chain = exec,
								    .exe = STR_LIT("/usr/bin/curl"),
								    .exe_object = curl});
	const uint32_t connect[] = {libcurl, curl};
	uint32_t id = scene_chain(scene, child, scene_stack(scene, 0, 2, connect), 0);
	const struct chain *chain = model_chain(f->model, id);
	assert_string_equal(spell(chain),
			    "libcurl.so.4 curl| bash libc.so.6 bash codecov| libfoo.so.1 app|");
	assert_int_equal(chain->own_count, 2);
	assert_int_equal(chain->links[5].subject->kind, SUBJECT_SCRIPT);
	assert_ptr_equal(model_process(f->model, shell)->script_subject, chain->links[5].subject);
}

/* A service that forks all day makes the same chains again: their links are kept once. */
static void test_alike_chains_share_links(void **state)
{
	struct fixture *f = *state;
	struct scene *scene = &f->scene;
	const uint32_t frames[] = {f->libfoo, f->app};
	uint32_t stack = scene_stack(scene, 0, 2, frames);
	const struct chain *first = NULL;
	for (unsigned i = 0; i < 3; i++) {
		uint32_t child = scene_process(scene, (struct item_process){.parent = f->process,
									    .how = PROCESS_FORK,
									    .exe_object = f->app});
		const struct chain *chain =
			model_chain(f->model, scene_chain(scene, child, stack, 0));
		assert_non_null(chain);
		assert_int_equal(chain->process, child);
		first = first ? first : chain;
		assert_ptr_equal(chain->links, first->links);
	}
	const uint32_t other[] = {f->app};
	uint32_t id = scene_chain(scene, f->process, scene_stack(scene, 0, 1, other), 0);
	assert_ptr_not_equal(model_chain(f->model, id)->links, first->links);
}

/* Targets are the newest only, and whoever still needs the old ones is told in time. */
static void test_old_targets_are_forgotten(void **state)
{
	struct fixture *f = *state;
	const uint32_t kept = TARGET_GENERATION * TARGET_GENERATIONS;
	uint32_t first = f->scene.targets + 1, last = 0;
	struct item item = {.type = ITEM_TARGET, .target = {.kind = TARGET_PATH}};
	for (uint32_t id = first; id <= kept; id++) {
		item.target.id = id;
		item.target.path = item.target.asked = scene_str("/tmp/x");
		assert_false(model_forgets(f->model, &item));
		assert_int_equal(model_ingest(f->model, &item), 0);
		last = id;
	}
	const struct item_target *target = model_target(f->model, first);
	assert_non_null(target);
	assert_ptr_equal(target->path.data, target->asked.data);
	assert_false(target_is_nameable(first, last)); /* it may still be in a queue */
	assert_true(target_is_nameable(TARGET_GENERATION + 1, last));
	item.target.id = ++last;
	assert_true(model_forgets(f->model, &item));
	assert_int_equal(model_ingest(f->model, &item), 0);
	assert_null(model_target(f->model, first));
	assert_null(model_target(f->model, TARGET_GENERATION));
	assert_non_null(model_target(f->model, TARGET_GENERATION + 1));
	assert_non_null(model_target(f->model, last));
	assert_null(model_target(f->model, last + 1));
	struct item event = {.type = ITEM_EVENT, .event = {.process = f->process,
							   .action = WIRE_FILE_READ,
							   .target = first}};
	const uint32_t frames[] = {f->app};
	event.event.chain =
		scene_chain(&f->scene, f->process, scene_stack(&f->scene, 0, 1, frames), 0);
	assert_int_equal(model_ingest(f->model, &event), -EINVAL);
	event.event.target = last;
	assert_int_equal(model_ingest(f->model, &event), 0);
}

static void test_fork_inherits_origin_and_names(void **state)
{
	struct fixture *f = *state;
	struct scene *scene = &f->scene;
	const uint32_t frames[] = {f->libfoo, f->app};
	uint32_t stack = scene_stack(scene, 0, 2, frames);
	uint32_t origin = scene_chain(scene, f->process, stack, 0);
	uint32_t worker = scene_process(scene, (struct item_process){.parent = f->process,
								     .how = PROCESS_EXEC,
								     .origin_chain = origin,
								     .exe = STR_LIT("/usr/bin/app"),
								     .exe_object = f->app});
	scene_name(scene, worker, "10.0.0.1", "db.test");
	uint32_t copy = scene_process(scene, (struct item_process){.parent = worker,
								   .how = PROCESS_FORK,
								   .exe = STR_LIT("/usr/bin/app"),
								   .exe_object = f->app});
	scene_name(scene, worker, "10.0.0.1", "late.test"); /* the copy never heard this */
	uint32_t id = scene_chain(scene, copy, stack, 0);
	assert_string_equal(spell(model_chain(f->model, id)), "libfoo.so.1 app| libfoo.so.1 app|");

	const uint8_t address[4] = {10, 0, 0, 1};
	const char *names[4];
	assert_int_equal(model_names(f->model, worker, address, 4, names, 4), 2);
	assert_int_equal(model_names(f->model, copy, address, 4, names, 4), 1);
	assert_string_equal(names[0], "db.test");
	uint32_t version = model_names_version(f->model, copy);
	scene_name(scene, copy, "10.0.0.1", "db.test");
	assert_int_equal(model_names(f->model, copy, address, 4, names, 4), 1);
	scene_name(scene, copy, "10.0.0.1", "own.test");
	assert_int_equal(model_names(f->model, copy, address, 4, names, 4), 2);
	assert_int_not_equal(model_names_version(f->model, copy), version);
	version = model_names_version(f->model, copy);
	scene_name(scene, copy, "10.0.0.1", "own.test"); /* nothing new, memos stay good */
	assert_int_equal(model_names_version(f->model, copy), version);
	/* A new program image knows nothing. */
	uint32_t image = scene_process(scene, (struct item_process){.parent = copy,
								    .how = PROCESS_EXEC,
								    .exe = STR_LIT("/usr/bin/app"),
								    .exe_object = f->app});
	assert_int_equal(model_names(f->model, image, address, 4, names, 4), 0);
}

static void test_partial_still_ends_with_the_executable(void **state)
{
	struct fixture *f = *state;
	const uint32_t frames[] = {f->libfoo};
	const struct chain *chain = chain_of(f, WIRE_STACK_PARTIAL, 1, frames);
	assert_string_equal(spell(chain), "libfoo.so.1 app|");
	assert_true(chain->is_partial);
	assert_int_equal(chain->seen_count, 1);
	chain = model_chain(f->model, scene_chain(&f->scene, f->process, 0, 0));
	assert_string_equal(spell(chain), "app|");
	assert_true(chain->is_partial);
	assert_int_equal(chain->seen_count, 0);
	/* A constructor: the stack is whole, it just does not reach the executable. */
	chain = chain_of(f, 0, 1, frames);
	assert_string_equal(spell(chain), "libfoo.so.1 app|");
	assert_false(chain->is_partial);
	assert_int_equal(chain->seen_count, 2);
}

/* What is hidden behind a cut in the stack of who started a process, or made a thread, is hidden
 * from all that it does. */
static void test_a_cut_goes_on_in_what_comes_of_it(void **state)
{
	struct fixture *f = *state;
	struct scene *scene = &f->scene;
	const uint32_t frames[] = {f->libfoo};
	uint32_t stack = scene_stack(scene, WIRE_STACK_PARTIAL, 1, frames);
	uint32_t cut = scene_chain(scene, f->process, stack, 0);
	uint32_t child = scene_process(scene, (struct item_process){.parent = f->process,
								    .how = PROCESS_EXEC,
								    .origin_chain = cut,
								    .exe = STR_LIT("/usr/bin/tool")});
	uint32_t whole = scene_stack(scene, 0, 1, frames);
	const struct chain *chain = model_chain(f->model, scene_chain(scene, child, whole, 0));
	assert_string_equal(spell(chain), "libfoo.so.1 tool| libfoo.so.1 app|");
	assert_false(chain->is_partial); /* its own stack is not */
	assert_int_equal(chain->seen_count, 3);
	uint32_t thread = scene_chain(scene, f->process, whole, cut);
	chain = model_chain(f->model, thread);
	assert_string_equal(spell(chain), "libfoo.so.1/ libfoo.so.1 app|");
	assert_int_equal(chain->seen_count, 2);
	/* And on through a third. */
	uint32_t grandchild =
		scene_process(scene, (struct item_process){.parent = f->process,
							   .how = PROCESS_EXEC,
							   .origin_chain = thread,
							   .exe = STR_LIT("/usr/bin/tool")});
	chain = model_chain(f->model, scene_chain(scene, grandchild, whole, 0));
	assert_int_equal(chain->count, 5);
	assert_int_equal(chain->seen_count, 4);
	/* A whole origin hides nothing. */
	uint32_t good = scene_process(
		scene, (struct item_process){.parent = f->process,
					     .how = PROCESS_EXEC,
					     .origin_chain = scene_chain(scene, f->process, whole, 0),
					     .exe = STR_LIT("/usr/bin/tool")});
	chain = model_chain(f->model, scene_chain(scene, good, whole, 0));
	assert_int_equal(chain->seen_count, chain->count);
}

static void test_subjects_are_told_apart_by_file(void **state)
{
	struct fixture *f = *state;
	uint32_t same = scene_library(&f->scene, "/usr/lib/libfoo.so.1.2", "libfoo.so.1");
	uint32_t other = scene_library(&f->scene, "/tmp/libfoo.so.1.2", "libfoo.so.1");
	const uint32_t frames[] = {f->libfoo, same, other, f->app};
	const struct chain *chain = chain_of(f, 0, 4, frames);
	assert_string_equal(spell(chain), "libfoo.so.1 libfoo.so.1 app|");
	assert_string_equal(chain->links[1].subject->path, "/tmp/libfoo.so.1.2");
}

static void test_code_knows_its_maker(void **state)
{
	struct fixture *f = *state;
	uint32_t made = scene_object(&f->scene,
				     (struct item_object){.kind = OBJECT_CODE, .maker = f->libfoo});
	const uint32_t frames[] = {made, 0, f->app};
	const struct chain *chain = chain_of(f, 0, 3, frames);
	assert_string_equal(spell(chain), "code code app|");
	assert_string_equal(chain->links[0].subject->maker->name, "libfoo.so.1");
	assert_null(chain->links[1].subject->maker);
	assert_int_equal(chain->links[1].subject->kind, SUBJECT_CODE);
	assert_int_equal(chain->seen_count, 1); /* the second is nobody's: who knows who asked it */
	assert_true(chain->is_partial);
}

/* What called code of run time was found by a frame pointer. Its maker, or more code: believed. */
static void test_code_is_entered_by_its_maker(void **state)
{
	struct fixture *f = *state;
	uint32_t made = scene_object(&f->scene,
				     (struct item_object){.kind = OBJECT_CODE, .maker = f->libfoo});
	uint32_t inner = scene_object(&f->scene,
				      (struct item_object){.kind = OBJECT_CODE, .maker = made});
	uint32_t other = scene_library(&f->scene, "/usr/lib/libbar.so", "libbar.so");
	const uint32_t good[] = {f->libc, inner, made, f->libfoo, other, f->app};
	const struct chain *chain = chain_of(f, 0, 6, good);
	assert_string_equal(spell(chain), "libc.so.6 code code libfoo.so.1 libbar.so app|");
	assert_int_equal(chain->seen_count, 6);
	assert_false(chain->is_partial);
	const uint32_t bad[] = {f->libc, made, other, f->libfoo, f->app};
	chain = chain_of(f, 0, 5, bad);
	assert_string_equal(spell(chain), "libc.so.6 code app|");
	assert_int_equal(chain->seen_count, 2);
	assert_true(chain->is_partial);
}

static void test_executable_known_before_its_object(void **state)
{
	struct fixture *f = *state;
	uint32_t process = scene_root(&f->scene, "/opt/late", 0);
	assert_string_equal(model_process(f->model, process)->exe_subject->name, "late");
	uint32_t object = scene_main_object(&f->scene, "/opt/late");
	const uint32_t frames[] = {f->libfoo, object};
	uint32_t id = scene_chain(&f->scene, process, scene_stack(&f->scene, 0, 2, frames), 0);
	assert_string_equal(spell(model_chain(f->model, id)), "libfoo.so.1 late|");
	assert_string_equal(model_process(f->model, process)->exe_subject->build_id, "aa");
}

static void test_copies_are_own(void **state)
{
	struct fixture *f = *state;
	char path[] = "/tmp/secret";
	uint32_t id = scene_path(&f->scene, path);
	memset(path, 'x', sizeof(path) - 1);
	const struct item_target *target = model_target(f->model, id);
	assert_int_equal(target->path.len, 11);
	assert_memory_equal(target->path.data, "/tmp/secret", 11);
	assert_string_equal(model_run(f->model)->service.data, "shop");
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_fold),
		CASE(test_callback_belongs_to_the_app),
		CASE(test_inferred_by_tail_call),
		CASE(test_thread_origin),
		CASE(test_exec_origin_and_script),
		CASE(test_fork_inherits_origin_and_names),
		CASE(test_alike_chains_share_links),
		CASE(test_old_targets_are_forgotten),
		CASE(test_partial_still_ends_with_the_executable),
		CASE(test_a_cut_goes_on_in_what_comes_of_it),
		CASE(test_subjects_are_told_apart_by_file),
		CASE(test_code_knows_its_maker),
		CASE(test_code_is_entered_by_its_maker),
		CASE(test_executable_known_before_its_object),
		CASE(test_copies_are_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
