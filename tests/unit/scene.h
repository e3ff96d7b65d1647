/* SPDX-License-Identifier: Apache-2.0
 *
 * Small services made of items, for tests: every call feeds one item and answers its id.
 */
#ifndef SOWATCH_TEST_SCENE_H
#define SOWATCH_TEST_SCENE_H

#include "collector/item.h"

struct scene {
	int (*feed)(void *arg, const struct item *item);
	void *arg;
	int result; /* of the last feed */
	uint32_t objects, stacks, chains, processes, targets, functions;
};

/* Frames of scene_stack: object ids, innermost first; or SCENE_INFERRED for a tail call. */
#define SCENE_INFERRED 0x80000000u

struct str scene_str(const char *string);
void scene_run(struct scene *scene);
uint32_t scene_function(struct scene *scene, const char *name);
uint32_t scene_main_object(struct scene *scene, const char *path);
uint32_t scene_library(struct scene *scene, const char *path, const char *soname);
uint32_t scene_object(struct scene *scene, struct item_object object);
/* flags: enum wire_stack_flags. Frame i has the offset 0x100 * (i + 1). */
uint32_t scene_stack(struct scene *scene, uint32_t flags, unsigned count, const uint32_t *frames);
uint32_t scene_chain(struct scene *scene, uint32_t process, uint32_t stack, uint32_t parent);
uint32_t scene_process(struct scene *scene, struct item_process process);
uint32_t scene_root(struct scene *scene, const char *exe, uint32_t exe_object);
uint32_t scene_path(struct scene *scene, const char *path);
uint32_t scene_peer(struct scene *scene, const char *address, uint16_t port);
uint32_t scene_target(struct scene *scene, struct item_target target);
void scene_name(struct scene *scene, uint32_t process, const char *address, const char *name);
void scene_event(struct scene *scene, uint8_t action, uint32_t process, uint32_t chain,
		 uint32_t target, uint64_t time_ns);
void scene_hole(struct scene *scene, struct item_hole hole);
void scene_end(struct scene *scene, uint64_t time_ns);

#endif
