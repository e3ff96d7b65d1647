/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

#include <arpa/inet.h>
#include <string.h>

struct str scene_str(const char *string)
{
	return (struct str){string, (uint32_t)strlen(string)};
}

static void feed(struct scene *scene, const struct item *item)
{
	scene->result = scene->feed(scene->arg, item);
}

void scene_run(struct scene *scene)
{
	struct item item = {.type = ITEM_RUN};
	item.run = (struct item_run){
		.tool_version = STR_LIT("0.1.0"),
		.host = STR_LIT("host"),
		.kernel = STR_LIT("6.18"),
		.service = STR_LIT("shop"),
		.run_id = STR_LIT("0123456789abcdef"),
		.realtime_ns = 1790000000000000000u,
		.monotonic_ns = 1000000000u,
		.vantage = STR_LIT("shim"),
	};
	feed(scene, &item);
}

uint32_t scene_function(struct scene *scene, const char *name)
{
	struct item item = {.type = ITEM_FUNCTION};
	item.function = (struct item_function){++scene->functions, scene_str(name)};
	feed(scene, &item);
	return scene->functions;
}

uint32_t scene_object(struct scene *scene, struct item_object object)
{
	struct item item = {.type = ITEM_OBJECT, .object = object};
	item.object.id = ++scene->objects;
	if (!item.object.kind)
		item.object.kind = OBJECT_ELF;
	feed(scene, &item);
	return scene->objects;
}

uint32_t scene_main_object(struct scene *scene, const char *path)
{
	return scene_object(scene, (struct item_object){.path = scene_str(path),
							.is_main = true,
							.build_id = STR_LIT("aa")});
}

uint32_t scene_library(struct scene *scene, const char *path, const char *soname)
{
	return scene_object(scene, (struct item_object){.path = scene_str(path),
							.soname = scene_str(soname),
							.build_id = STR_LIT("bb")});
}

uint32_t scene_stack(struct scene *scene, uint32_t flags, unsigned count, const uint32_t *frames)
{
	struct item_frame made[256];
	struct item item = {.type = ITEM_STACK};
	for (unsigned i = 0; i < count && i < 256; i++)
		made[i] = (struct item_frame){
			.object = frames[i] & ~SCENE_INFERRED,
			.flags = frames[i] & SCENE_INFERRED ? WIRE_FRAME_INFERRED : 0,
			.offset = 0x100 * (i + 1),
		};
	item.stack = (struct item_stack){++scene->stacks, flags, count, made};
	feed(scene, &item);
	return scene->stacks;
}

uint32_t scene_chain(struct scene *scene, uint32_t process, uint32_t stack, uint32_t parent)
{
	struct item item = {.type = ITEM_CHAIN};
	item.chain = (struct item_chain){++scene->chains, process, stack, parent};
	feed(scene, &item);
	return scene->chains;
}

uint32_t scene_process(struct scene *scene, struct item_process process)
{
	struct item item = {.type = ITEM_PROCESS, .process = process};
	item.process.id = ++scene->processes;
	if (!item.process.pid)
		item.process.pid = 4000 + scene->processes;
	if (!item.process.start_ns)
		item.process.start_ns = 1000000000u;
	item.process.covered = true;
	feed(scene, &item);
	return scene->processes;
}

uint32_t scene_root(struct scene *scene, const char *exe, uint32_t exe_object)
{
	return scene_process(scene, (struct item_process){.how = PROCESS_ROOT,
							  .exe = scene_str(exe),
							  .argv = {"app\0-v", 7},
							  .exe_object = exe_object});
}

uint32_t scene_target(struct scene *scene, struct item_target target)
{
	struct item item = {.type = ITEM_TARGET, .target = target};
	item.target.id = ++scene->targets;
	feed(scene, &item);
	return scene->targets;
}

uint32_t scene_path(struct scene *scene, const char *path)
{
	return scene_target(scene, (struct item_target){.kind = TARGET_PATH,
							.path = scene_str(path),
							.asked = scene_str(path)});
}

uint32_t scene_peer(struct scene *scene, const char *address, uint16_t port)
{
	struct item_target target = {.kind = TARGET_PEER, .proto = PROTO_TCP, .port = port};
	if (inet_pton(AF_INET, address, target.address) == 1)
		target.address_len = 4;
	else if (inet_pton(AF_INET6, address, target.address) == 1)
		target.address_len = 16;
	return scene_target(scene, target);
}

void scene_name(struct scene *scene, uint32_t process, const char *address, const char *name)
{
	struct item item = {.type = ITEM_NAME};
	item.name =
		(struct item_name){.process = process, .address_len = 4, .name = scene_str(name)};
	inet_pton(AF_INET, address, item.name.address);
	feed(scene, &item);
}

void scene_event(struct scene *scene, uint8_t action, uint32_t process, uint32_t chain,
		 uint32_t target, uint64_t time_ns)
{
	struct item item = {.type = ITEM_EVENT};
	item.event = (struct item_event){.time_ns = time_ns,
					 .process = process,
					 .tid = 4321,
					 .chain = chain,
					 .target = target,
					 .action = action};
	feed(scene, &item);
}

void scene_hole(struct scene *scene, struct item_hole hole)
{
	struct item item = {.type = ITEM_HOLE, .hole = hole};
	feed(scene, &item);
}

void scene_end(struct scene *scene, uint64_t time_ns)
{
	struct item item = {.type = ITEM_END};
	item.end = (struct item_end){.time_ns = time_ns};
	feed(scene, &item);
}
