/* SPDX-License-Identifier: Apache-2.0
 *
 * make_format_1 LOG: wrote format-1.swl, the sample of log format 1. It is kept to show what the
 * sample holds, not to be run again: the sample must stay the bytes that the released writer
 * wrote. A new format gets a program and a sample of its own beside this one.
 *
 * The story: curl, run by a service's script, resolves a name, connects, reads its file; a forked
 * child runs an uncovered static program; a library's thread maps code. Odd bytes where the watched
 * program has the say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/log/log.h"
#include "preload/wire/ring.h"

#define START_NS 5000000000ull /* CLOCK_MONOTONIC of the run's first moment */

static struct log_writer *writer;

static void check(int error)
{
	if (error) {
		fprintf(stderr, "make_format_1: %s\n", strerror(-error));
		exit(1);
	}
}

static void put(struct item item)
{
	check(log_append(writer, &item));
}

#define PUT(kind, member, ...) put((struct item){ .type = kind, .member = { __VA_ARGS__ } })

static void put_run(void)
{
	static const char *const functions[] = { "open64",	"connect", "getaddrinfo",
						 "posix_spawn", "mmap",	   "rename" };

	PUT(ITEM_RUN, run, .tool_version = STR_LIT("0.1.0"), .host = STR_LIT("example"),
	    .kernel = STR_LIT("6.1.0"), .service = STR_LIT("shop"),
	    .run_id = STR_LIT("00112233445566778899aabbccddeeff"),
	    .realtime_ns = 1767323045000000000ull, .monotonic_ns = START_NS,
	    .vantage = STR_LIT("shim"));
	PUT(ITEM_POLICY, policy, .path = STR_LIT("policies/base.yaml"),
	    .text = STR_LIT("version: 1\nprofiles: []\n"));
	PUT(ITEM_VARIABLE, variable, .name = STR_LIT("DATA"), .value = STR_LIT("/srv/shop"));
	for (uint32_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		PUT(ITEM_FUNCTION, function, .id = i + 1,
		    .name = { functions[i], (uint32_t)strlen(functions[i]) });
}

static void put_objects(void)
{
	PUT(ITEM_OBJECT, object, .id = 1, .kind = OBJECT_ELF, .is_main = true,
	    .path = STR_LIT("/usr/bin/curl"), .build_id = STR_LIT("aa01"),
	    .package = STR_LIT("curl"), .package_version = STR_LIT("7.88.1-10+deb12u8"),
	    .device = 2049, .inode = 131073);
	PUT(ITEM_OBJECT, object, .id = 2, .kind = OBJECT_ELF,
	    .path = STR_LIT("/usr/lib/x86_64-linux-gnu/libcurl.so.4.8.0"),
	    .soname = STR_LIT("libcurl.so.4"), .build_id = STR_LIT("aa02"),
	    .package = STR_LIT("libcurl4"), .package_version = STR_LIT("7.88.1-10+deb12u8"),
	    .device = 2049, .inode = 131074);
	PUT(ITEM_OBJECT, object, .id = 3, .kind = OBJECT_ELF, .is_deleted = true,
	    .path = STR_LIT("/opt/shop/lib\x1b[31mred.so"), .soname = STR_LIT("libred.so\n"),
	    .device = 2049, .inode = UINT64_MAX);
	PUT(ITEM_OBJECT, object, .id = 4, .kind = OBJECT_CODE, .maker = 3);
	PUT(ITEM_OBJECT, object, .id = 5, .kind = OBJECT_ELF, .is_vdso = true,
	    .path = STR_LIT("linux-vdso.so.1"), .soname = STR_LIT("linux-vdso.so.1"));
}

static void put_stacks(void)
{
	static const struct item_frame call[] = { { 2, 0, 0x2a310 }, { 1, 0, 0x4c20 } };
	static const struct item_frame tail[] = { { 3, WIRE_FRAME_INFERRED, 0x1130 },
						  { 4, 0, 0x7f0000001000 },
						  { 0, WIRE_FRAME_SIGNAL, 0x41 } };

	PUT(ITEM_STACK, stack, .id = 1, .count = 2, .frames = call);
	PUT(ITEM_STACK, stack, .id = 2, .flags = WIRE_STACK_PARTIAL, .count = 3, .frames = tail);
	PUT(ITEM_STACK, stack, .id = 3, .flags = WIRE_STACK_PARTIAL);
	PUT(ITEM_CHAIN, chain, .id = 1, .process = 1, .stack = 1);
	PUT(ITEM_CHAIN, chain, .id = 2, .process = 1, .stack = 2, .parent = 1);
	PUT(ITEM_CHAIN, chain, .id = 3, .process = 1);
}

static void put_processes(void)
{
	PUT(ITEM_PROCESS, process, .id = 1, .how = PROCESS_ROOT, .covered = true, .pid = 4711,
	    .uid = 1000, .start_ns = START_NS, .exe = STR_LIT("/usr/bin/curl"),
	    .argv = STR_LIT("curl\0-d\0a\tb\xff\0https://api.example/\0"),
	    .cwd = STR_LIT("/srv/shop"), .home = STR_LIT("/home/shop"),
	    .script = STR_LIT("/srv/shop/deploy.sh"), .cgroup = STR_LIT("/system.slice/shop"),
	    .exe_object = 1);
}

static void put_targets(void)
{
	PUT(ITEM_TARGET, target, .id = 1, .kind = TARGET_PATH,
	    .path = STR_LIT("/home/shop/.netrc"), .asked = STR_LIT("~/../shop/.netrc"),
	    .is_unresolved = true);
	PUT(ITEM_TARGET, target, .id = 2, .kind = TARGET_PEER, .proto = PROTO_TCP,
	    .address_len = 4, .address = { 192, 0, 2, 7 }, .port = 443);
	PUT(ITEM_TARGET, target, .id = 3, .kind = TARGET_PEER, .proto = PROTO_UDP,
	    .address_len = 16, .address = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, .port = 53);
	PUT(ITEM_TARGET, target, .id = 4, .kind = TARGET_UNIX, .path = STR_LIT("@bus\x07"));
	PUT(ITEM_TARGET, target, .id = 5, .kind = TARGET_NAME, .path = STR_LIT("api.example"));
	PUT(ITEM_TARGET, target, .id = 6, .kind = TARGET_PROGRAM,
	    .path = STR_LIT("/usr/bin/busybox"), .asked = STR_LIT("busybox"),
	    .argv = STR_LIT("busybox\0sh\0"), .package = STR_LIT("busybox-static"));
	PUT(ITEM_TARGET, target, .id = 7, .kind = TARGET_MEMORY, .number = 65536);
	PUT(ITEM_TARGET, target, .id = 8, .kind = TARGET_PATHS, .path = STR_LIT("/srv/shop/a"),
	    .asked = STR_LIT("a"), .to = STR_LIT("/srv/shop/b"));
	PUT(ITEM_TARGET, target, .id = 9, .kind = TARGET_VARIABLE, .path = STR_LIT("NETRC"));
	PUT(ITEM_TARGET, target, .id = 10, .kind = TARGET_OBJECT,
	    .path = STR_LIT("/opt/shop/plugin.so"), .asked = STR_LIT("plugin.so"));
	PUT(ITEM_TARGET, target, .id = 11, .kind = TARGET_PROCESS, .number = 1,
	    .path = STR_LIT("/sbin/init"));
}

#define EVENT(ms, what, on, ...)                                                                   \
	PUT(ITEM_EVENT, event, .time_ns = START_NS + (ms) * 1000000ull, .process = 1,              \
	    .action = WIRE_##what, .target = on, __VA_ARGS__)

static void put_events(void)
{
	EVENT(1, ENV_READ, 9, .tid = 4711, .chain = 1);
	EVENT(2, NET_RESOLVE, 5, .tid = 4711, .chain = 1, .function = 3);
	PUT(ITEM_NAME, name, .process = 1, .address_len = 4, .address = { 192, 0, 2, 7 },
	    .name = STR_LIT("api.example"));
	EVENT(3, NET_CONNECT, 2, .tid = 4711, .chain = 1, .function = 2, .result = -115);
	EVENT(3, NET_SEND, 3, .tid = 4711, .chain = 1, .function = 2, .result = 40,
	      .flags = EVENT_DATAGRAM, .via = { 3 });
	EVENT(4, NET_CONNECT, 4, .tid = 4711, .chain = 1, .function = 2, .result = -2);
	EVENT(5, FILE_READ, 1, .tid = 4711, .chain = 1, .function = 1, .result = 7,
	      .detail = 02000000);
	EVENT(4, FILE_RENAME, 8, .tid = 4712, .chain = 2, .function = 6); /* another thread's ring */
	EVENT(6, EXEC_CODE, 7, .tid = 4712, .chain = 2, .function = 5, .result = 0, .detail = 5);
	EVENT(7, EXEC_LOAD, 10, .tid = 4712, .chain = 2, .flags = EVENT_UNREADABLE);
	EVENT(8, EXEC_RUN, 6, .tid = 4712, .chain = 2, .function = 4, .via = { 3, 1, 6, 2 });
	EVENT(9, EXEC_INSPECT, 11, .tid = 4712, .chain = 3, .result = -1);
}

static void put_rest(void)
{
	PUT(ITEM_PROCESS, process, .id = 2, .parent = 1, .origin_chain = 2, .how = PROCESS_EXEC,
	    .pid = 4713, .uid = 1000, .start_ns = START_NS + 8000000,
	    .exe = STR_LIT("/usr/bin/busybox"), .argv = STR_LIT("busybox\0sh\0"));
	PUT(ITEM_PROCESS, process, .id = 3, .parent = 1, .how = PROCESS_FORK, .covered = true,
	    .pid = 4714, .uid = 1000, .start_ns = START_NS + 9000000,
	    .exe = STR_LIT("/usr/bin/curl"), .exe_object = 1);
	PUT(ITEM_HOLE, hole, .kind = HOLE_UNCOVERED, .family = WIRE_FAMILIES, .process = 2,
	    .chain = 2, .count = 1, .time_ns = START_NS + 8500000,
	    .what = STR_LIT("/usr/bin/busybox"), .reason = STR_LIT("static"));
	PUT(ITEM_HOLE, hole, .kind = HOLE_LOST, .family = WIRE_FAMILY_FILE, .process = 1,
	    .count = 12, .time_ns = START_NS + 9000000);
	PUT(ITEM_PROCESS_END, process_end, .process = 2, .time_ns = START_NS + 20000000);
	PUT(ITEM_PROCESS_END, process_end, .process = 1, .time_ns = START_NS + 21000000);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: make_format_1 LOG\n");
		return 2;
	}
	check(log_create(argv[1], &writer));
	put_run();
	put_objects();
	put_processes();
	put_stacks();
	check(log_flush(writer));
	put_targets();
	put_events();
	check(log_flush(writer));
	put_rest();
	PUT(ITEM_END, end, .time_ns = START_NS + 22000000, .events = 11, .exit_status = 130);
	check(log_close(writer));
	return 0;
}
