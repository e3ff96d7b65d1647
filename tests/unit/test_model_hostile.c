/* SPDX-License-Identifier: Apache-2.0
 *
 * A damaged or hostile log: references to nothing, ids out of order, endless lineage, random items.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/model/model.h"
#include "scene.h"

static int ingest(void *arg, const struct item *item)
{
	return model_ingest(arg, item);
}

static void test_bad_references(void **state)
{
	(void)state;
	struct model *model = model_new();
	struct scene scene = {.feed = ingest, .arg = model};
	scene_run(&scene);
	uint32_t app = scene_main_object(&scene, "/app");
	uint32_t process = scene_root(&scene, "/app", app);
	const uint32_t frames[] = {app, 99};

	scene_stack(&scene, 0, 2, frames);
	assert_int_equal(scene.result, -EINVAL);
	/* The bad one keeps its place, the next one is good. */
	uint32_t stack = scene_stack(&scene, 0, 1, frames);
	assert_int_equal(scene.result, 0);
	scene_chain(&scene, process, 1, 0); /* the stack that did not hold */
	assert_int_equal(scene.result, -EINVAL);
	scene_chain(&scene, 77, stack, 0);
	assert_int_equal(scene.result, -EINVAL);
	scene_chain(&scene, process, stack, 4); /* its own parent */
	assert_int_equal(scene.result, -EINVAL);
	uint32_t chain = scene_chain(&scene, process, stack, 0);
	assert_int_equal(scene.result, 0);
	assert_null(model_chain(model, 1));
	assert_non_null(model_chain(model, chain));

	scene_process(&scene, (struct item_process){.how = PROCESS_FORK, .parent = 2});
	assert_int_equal(scene.result, -EINVAL); /* itself */
	scene_process(&scene, (struct item_process){.how = 9});
	assert_int_equal(scene.result, -EINVAL);
	scene_process(&scene, (struct item_process){.how = PROCESS_EXEC, .origin_chain = 50});
	assert_int_equal(scene.result, -EINVAL);
	scene_object(&scene, (struct item_object){.maker = 2});
	assert_int_equal(scene.result, -EINVAL);
	scene_target(&scene, (struct item_target){.kind = TARGET_PEER, .address_len = 7});
	assert_int_equal(scene.result, -EINVAL);
	scene_event(&scene, WIRE_FILE_READ, process, chain, 9, 1);
	assert_int_equal(scene.result, -EINVAL);
	scene_event(&scene, WIRE_ACTIONS, process, chain, 0, 1);
	assert_int_equal(scene.result, -EINVAL);
	scene_event(&scene, WIRE_FILE_READ, process, 1, 0, 1);
	assert_int_equal(scene.result, -EINVAL);
	scene_event(&scene, WIRE_FILE_READ, process, chain, 0, 1);
	assert_int_equal(scene.result, 0);
	model_free(model);
}

static void test_ids_out_of_order(void **state)
{
	(void)state;
	struct model *model = model_new();
	struct scene scene = {.feed = ingest, .arg = model};
	scene_run(&scene);
	scene.targets = 6;
	scene_path(&scene, "/x");
	assert_int_equal(scene.result, -EINVAL);
	scene.targets = 0;
	scene_path(&scene, "/x");
	assert_int_equal(scene.result, 0);
	scene.targets = 0;
	scene_path(&scene, "/y"); /* a second one of that id */
	assert_int_equal(scene.result, -EINVAL);
	assert_memory_equal(model_target(model, 1)->path.data, "/x", 2);
	model_free(model);
}

static void test_endless_lineage_is_capped(void **state)
{
	(void)state;
	struct model *model = model_new();
	struct scene scene = {.feed = ingest, .arg = model};
	scene_run(&scene);
	uint32_t chain = 0, process = 0;
	for (unsigned i = 0; i < 3000; i++) {
		process = scene_process(
			&scene, (struct item_process){.how = process ? PROCESS_EXEC : PROCESS_ROOT,
						      .parent = process,
						      .origin_chain = chain,
						      .exe = STR_LIT("/bin/sh")});
		assert_int_equal(scene.result, 0);
		chain = scene_chain(&scene, process, 0, 0);
		assert_int_equal(scene.result, 0);
	}
	assert_int_equal(model_chain(model, chain)->count, 512);
	assert_int_equal(model_chain(model, chain)->own_count, 1);
	model_free(model);
}

static void test_names_are_capped(void **state)
{
	(void)state;
	struct model *model = model_new();
	struct scene scene = {.feed = ingest, .arg = model};
	scene_run(&scene);
	uint32_t process = scene_root(&scene, "/app", 0);
	for (unsigned i = 0; i < 256; i++) {
		char name[16];
		snprintf(name, sizeof(name), "n%u.test", i);
		scene_name(&scene, process, "10.0.0.1", name);
		assert_int_equal(scene.result, 0);
	}
	scene_name(&scene, process, "10.0.0.1", "one-more.test");
	assert_int_equal(scene.result, -ENOBUFS);
	model_free(model);
}

static void test_embedded_nul_hides_nothing(void **state)
{
	(void)state;
	struct model *model = model_new();
	struct scene scene = {.feed = ingest, .arg = model};
	scene_run(&scene);
	scene_object(&scene, (struct item_object){.path = {"/a\0b", 4}});
	assert_int_equal(scene.result, 0);
	assert_string_equal(model_subject(model, 1)->path, "/a?b");
	assert_string_equal(model_subject(model, 1)->name, "a?b");
	model_free(model);
}

/* Any item in any order: nothing but an answer. Deterministic, so a failure repeats. */
static void test_random_items(void **state)
{
	(void)state;
	srandom(7);
	for (unsigned round = 0; round < 50; round++) {
		struct model *model = model_new();
		struct scene scene = {.feed = ingest, .arg = model};
		uint32_t frames[8];
		scene_run(&scene);
		for (unsigned i = 0; i < 400; i++) {
			uint32_t a = (uint32_t)random() % 12, b = (uint32_t)random() % 12;
			for (unsigned j = 0; j < 8; j++)
				frames[j] = (uint32_t)random() % 12;
			switch (random() % 9) {
			case 0:
				scene_object(&scene,
					     (struct item_object){.kind = (uint8_t)(random() % 4),
								  .is_main = a & 1,
								  .is_vdso = a == 3,
								  .path = STR_LIT("/o"),
								  .maker = b % 4});
				break;
			case 1:
				scene_stack(&scene, a & 3, (unsigned)b % 9, frames);
				break;
			case 2:
				scene_chain(&scene, a, b, (uint32_t)random() % 12);
				break;
			case 3:
				scene_process(&scene, (struct item_process){
							      .how = (uint8_t)(random() % 5),
							      .parent = a,
							      .origin_chain = b,
							      .exe_object = (uint32_t)random() % 12,
							      .script = STR_LIT("/s")});
				break;
			case 4:
				scene_name(&scene, a, "10.0.0.1", b & 1 ? "a" : "b");
				break;
			case 5:
				scene_event(&scene, (uint8_t)(random() % 24), a, b,
					    (uint32_t)random() % 12, i);
				break;
			case 6:
				scene_path(&scene, "/p");
				break;
			case 7:
				scene_function(&scene, "open");
				break;
			case 8:
				scene_hole(&scene,
					   (struct item_hole){.kind = (uint8_t)(random() % 15),
							      .process = a,
							      .chain = b});
				break;
			}
			for (uint32_t id = 0; id < 12; id++) {
				const struct chain *chain = model_chain(model, id);
				assert_true(!chain || (chain->count && chain->own_count &&
						       chain->own_count <= chain->count));
			}
		}
		model_free(model);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_references),
		cmocka_unit_test(test_ids_out_of_order),
		cmocka_unit_test(test_endless_lineage_is_capped),
		cmocka_unit_test(test_names_are_capped),
		cmocka_unit_test(test_embedded_nul_hides_nothing),
		cmocka_unit_test(test_random_items),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
