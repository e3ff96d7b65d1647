/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of hand-made rings -> items: definitions before use and once, hostile records refused,
 * unknown ids harmless.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../../collector/source/live.h"
#include "../lib/ringmaker.h"

struct fixture {
	struct live live;
	struct proc *proc;
	struct record record;
};

static int make(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	char error[256];

	assert_int_equal(live_init(&fixture->live, NULL, "/nonexistent", error, sizeof(error)), 0);
	fixture->proc = proc_new(&fixture->live, 1, 0, -1);
	fixture->proc->how = PROCESS_ROOT;
	fixture->proc->is_covered = true;
	*state = fixture;
	return 0;
}

static int done(void **state)
{
	struct fixture *fixture = *state;

	live_done(&fixture->live);
	free(fixture);
	return 0;
}

static int feed(struct fixture *fixture)
{
	return decode_record(&fixture->live, fixture->proc, fixture->record.bytes,
			     fixture->record.len);
}

static void feed_good(struct fixture *fixture)
{
	assert_int_equal(feed(fixture), 0);
}

/* The next item, which must be of that type. */
static const struct item *take(struct fixture *fixture, enum item_type type)
{
	const struct item *item = queue_take(&fixture->live.queue);

	if (!item || item->type != type)
		fail_msg("item type %d, wanted %d", item ? (int)item->type : 0, (int)type);
	return item;
}

static void take_nothing(struct fixture *fixture)
{
	assert_true(queue_is_empty(&fixture->live.queue));
}

static void skip_to(struct fixture *fixture, enum item_type type, struct item *ret)
{
	const struct item *item;

	while ((item = queue_take(&fixture->live.queue))) {
		if (item->type == type) {
			*ret = *item;
			return;
		}
	}
	fail_msg("no item of type %d", (int)type);
}

static void assert_str(struct str text, const char *wanted)
{
	if (text.len != strlen(wanted) || memcmp(text.data, wanted, text.len) != 0)
		fail_msg("'%.*s', wanted '%s'", (int)text.len, text.data, wanted);
}

static void feed_process(struct fixture *fixture)
{
	record_process(&fixture->record, 4711, "/nonexistent/app", "/nonexistent",
		       "app\0--token=hunter22\0", 21);
	feed_good(fixture);
}

static void feed_stack(struct fixture *fixture)
{
	record_object(&fixture->record, 1, WIRE_OBJECT_MAIN, "", "", "\x01\xab");
	feed_good(fixture);
	record_object(&fixture->record, 2, 0, "/nonexistent/lib/libx.so.1", "libx.so.1", "\x02");
	feed_good(fixture);
	record_object(&fixture->record, 3, WIRE_OBJECT_SHIM, "/x/libsowatch.so", "", "");
	feed_good(fixture);
	record_stack(&fixture->record, 1, 3, 3, 0x10, 2, 0x20, 1, 0x30);
	feed_good(fixture);
}

static void feed_open(struct fixture *fixture, uint32_t stack, const char *path)
{
	record_event(&fixture->record, WIRE_FILE_READ, LIVE_HOOK_open, stack);
	fixture->record.event.result = 3;
	record_blob(&fixture->record, 0, path, strlen(path));
	record_end(&fixture->record);
	feed_good(fixture);
}

static void test_an_event_comes_after_all_it_refers_to(void **state)
{
	struct fixture *fixture = *state;
	const struct item *item;

	feed_process(fixture);
	feed_stack(fixture);
	feed_open(fixture, 1, "data/x");
	item = take(fixture, ITEM_PROCESS);
	assert_int_equal(item->process.id, 1);
	assert_str(item->process.exe, "/nonexistent/app");
	assert_str(item->process.home, "/home/nobody");
	assert_int_equal(item->process.how, PROCESS_ROOT);
	assert_int_equal(item->process.argv.len, strlen("app") + 1 + strlen("--token=<redacted:12345678>"));
	item = take(fixture, ITEM_OBJECT);
	assert_true(item->object.is_main);
	assert_str(item->object.build_id, "01ab");
	assert_str(item->object.path, "/nonexistent/app");
	item = take(fixture, ITEM_OBJECT);
	assert_int_equal(item->object.id, 2);
	assert_str(item->object.soname, "libx.so.1");
	assert_true(item->object.is_deleted);
	item = take(fixture, ITEM_STACK);
	assert_int_equal(item->stack.count, 2); /* the shim's own frame is left out */
	assert_int_equal(item->stack.frames[0].object, 2);
	assert_int_equal(item->stack.frames[0].offset, 0x20);
	assert_int_equal(item->stack.frames[1].object, 1);
	item = take(fixture, ITEM_FUNCTION);
	assert_str(item->function.name, "open");
	item = take(fixture, ITEM_CHAIN);
	assert_int_equal(item->chain.process, 1);
	assert_int_equal(item->chain.stack, 1);
	item = take(fixture, ITEM_TARGET);
	assert_str(item->target.path, "/nonexistent/data/x");
	assert_str(item->target.asked, "data/x");
	assert_false(item->target.is_unresolved);
	item = take(fixture, ITEM_EVENT);
	assert_int_equal(item->event.result, 3);
	assert_int_equal(item->event.tid, 77);
	assert_int_equal(item->event.function, 1);
	assert_int_equal(item->event.chain, 1);
	assert_int_equal(item->event.target, 1);
	take_nothing(fixture);
}

static void test_the_second_time_only_the_event_comes(void **state)
{
	struct fixture *fixture = *state;
	struct item item;

	feed_process(fixture);
	feed_stack(fixture);
	feed_open(fixture, 1, "x");
	skip_to(fixture, ITEM_EVENT, &item);
	feed_open(fixture, 1, "x");
	take(fixture, ITEM_EVENT);
	take_nothing(fixture);
	/* The shim forgot and defines the same again under new ids. */
	record_object(&fixture->record, 9, 0, "/nonexistent/lib/libx.so.1", "libx.so.1", "\x02");
	feed_good(fixture);
	record_stack(&fixture->record, 8, 2, 9, 0x20, 1, 0x30);
	feed_good(fixture);
	feed_open(fixture, 8, "x");
	take(fixture, ITEM_EVENT);
	take_nothing(fixture);
}

static void test_another_process_shares_objects_and_stacks(void **state)
{
	struct fixture *fixture = *state;
	struct item item;

	feed_process(fixture);
	feed_stack(fixture);
	feed_open(fixture, 1, "x");
	skip_to(fixture, ITEM_EVENT, &item);
	fixture->proc = proc_new(&fixture->live, 2, 0, -1);
	feed_process(fixture);
	feed_stack(fixture);
	feed_open(fixture, 1, "x");
	take(fixture, ITEM_PROCESS);
	take(fixture, ITEM_CHAIN);
	take(fixture, ITEM_EVENT);
	take_nothing(fixture);
}

static void test_unknown_ids_make_a_chain_partial_and_nothing_worse(void **state)
{
	struct fixture *fixture = *state;
	struct item item;

	feed_process(fixture);
	feed_open(fixture, 4000000000u, "x");
	skip_to(fixture, ITEM_CHAIN, &item);
	assert_int_equal(item.chain.stack, 0);
	skip_to(fixture, ITEM_EVENT, &item);
	assert_int_not_equal(item.event.chain, 0);
	record_stack(&fixture->record, 5, 2, 77, 0x10, 0, 0x20);
	feed_good(fixture);
	skip_to(fixture, ITEM_STACK, &item);
	assert_int_equal(item.stack.flags & WIRE_STACK_PARTIAL, WIRE_STACK_PARTIAL);
	assert_int_equal(item.stack.frames[0].object, 0);
	assert_int_equal(item.stack.frames[1].offset, 0); /* an address differs in every run */
	record_event(&fixture->record, WIRE_ENV_READ, LIVE_HOOK_getenv, 5);
	fixture->record.event.origin = 99;
	record_end(&fixture->record);
	feed_good(fixture);
	skip_to(fixture, ITEM_CHAIN, &item);
	assert_int_equal(item.chain.parent, 0);
}

static void test_a_stack_that_comes_late_is_used(void **state)
{
	struct fixture *fixture = *state;
	struct item item;

	feed_process(fixture);
	feed_open(fixture, 1, "x");
	feed_stack(fixture);
	feed_open(fixture, 1, "x");
	skip_to(fixture, ITEM_EVENT, &item);
	skip_to(fixture, ITEM_CHAIN, &item);
	assert_int_not_equal(item.chain.stack, 0);
}

static void test_an_origin_is_the_chains_parent(void **state)
{
	struct fixture *fixture = *state;
	struct item origin, item;

	feed_process(fixture);
	feed_stack(fixture);
	record_begin(&fixture->record, WIRE_ORIGIN, WIRE_ORIGIN_THREAD,
		     sizeof(fixture->record.origin));
	fixture->record.origin.id = 3;
	fixture->record.origin.stack = 1;
	record_end(&fixture->record);
	feed_good(fixture);
	skip_to(fixture, ITEM_CHAIN, &origin);
	record_event(&fixture->record, WIRE_ENV_READ, LIVE_HOOK_getenv, 1);
	fixture->record.event.origin = 3;
	record_end(&fixture->record);
	feed_good(fixture);
	skip_to(fixture, ITEM_CHAIN, &item);
	assert_int_equal(item.chain.parent, origin.chain.id);
	assert_int_equal(item.chain.stack, origin.chain.stack);
}

/* Every prefix of a good record, and lengths that reach beyond it, are refused without an item. */
static void refuse_prefixes(struct fixture *fixture)
{
	uint32_t whole = fixture->record.len;
	size_t count = fixture->live.queue.count;

	for (uint32_t len = 0; len + 8 <= whole; len += 8) {
		fixture->record.len = len;
		assert_int_equal(feed(fixture), -EINVAL);
	}
	assert_int_equal(fixture->live.queue.count, count);
}

static void test_truncated_records_are_refused(void **state)
{
	struct fixture *fixture = *state;

	record_process(&fixture->record, 1, "/x", "/", "a", 1);
	refuse_prefixes(fixture);
	feed_process(fixture);
	record_object(&fixture->record, 1, 0, "/nonexistent/a", "a.so", "12345678");
	refuse_prefixes(fixture);
	record_stack(&fixture->record, 1, 2, 0, 1, 0, 2);
	refuse_prefixes(fixture);
	record_event(&fixture->record, WIRE_FILE_READ, LIVE_HOOK_open, 0);
	record_blob(&fixture->record, 0, "/nonexistent/long", 17);
	record_end(&fixture->record);
	refuse_prefixes(fixture);
	record_begin(&fixture->record, WIRE_NAME, 0, sizeof(fixture->record.name));
	fixture->record.name.name_len = record_add(&fixture->record, "host", 4);
	fixture->record.name.v4_count = 1;
	record_add(&fixture->record, "\x7f\0\0\x01", 4);
	record_end(&fixture->record);
	refuse_prefixes(fixture);
}

static void refuse(struct fixture *fixture)
{
	record_end(&fixture->record);
	assert_int_equal(feed(fixture), -EINVAL);
}

static void test_hostile_fields_are_refused(void **state)
{
	struct fixture *fixture = *state;

	feed_process(fixture);
	record_process(&fixture->record, 1, "/x", "/", "a", 1);
	refuse(fixture); /* a second one */
	record_event(&fixture->record, 0, LIVE_HOOK_open, 0);
	refuse(fixture);
	record_event(&fixture->record, WIRE_ACTIONS, LIVE_HOOK_open, 0);
	refuse(fixture);
	record_event(&fixture->record, WIRE_FILE_READ, LIVE_HOOKS, 0);
	refuse(fixture);
	record_event(&fixture->record, WIRE_FILE_READ, 0, 0);
	refuse(fixture);
	record_event(&fixture->record, WIRE_FILE_READ, LIVE_HOOK_open, 0);
	fixture->record.event.via_count = WIRE_VIA_MAX + 1;
	refuse(fixture);
	record_event(&fixture->record, WIRE_FILE_READ, LIVE_HOOK_open, 0);
	fixture->record.event.blob_len[3] = 65535;
	refuse(fixture);
	record_stack(&fixture->record, 1, 0);
	fixture->record.stack.count = UINT32_MAX;
	refuse(fixture);
	record_stack(&fixture->record, 0, 0);
	refuse(fixture);
	record_object(&fixture->record, 0, 0, "/x", "", "");
	refuse(fixture);
	record_begin(&fixture->record, WIRE_CWD, 0, sizeof(fixture->record.cwd));
	fixture->record.cwd.path_len = UINT32_MAX;
	refuse(fixture);
	record_begin(&fixture->record, 4242, 0, 64);
	refuse(fixture);
	record_begin(&fixture->record, 0, 0, 8);
	refuse(fixture);
}

static void test_without_a_process_record_one_is_made_up(void **state)
{
	struct fixture *fixture = *state;

	feed_open(fixture, 0, "/nonexistent/x");
	assert_int_equal(take(fixture, ITEM_PROCESS)->process.id, 1);
}

static void feed_peer(struct fixture *fixture, uint8_t action, uint32_t detail, const void *address,
		      size_t len, struct item *ret)
{
	record_event(&fixture->record, action, LIVE_HOOK_connect, 0);
	fixture->record.event.detail = detail;
	record_blob(&fixture->record, 0, address, len);
	record_end(&fixture->record);
	feed_good(fixture);
	skip_to(fixture, ITEM_TARGET, ret);
}

static void test_peers(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(80),
				  .sin_addr.s_addr = htonl(0x7f000001) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(443),
				   .sin6_addr = { { { [10] = 0xff, 0xff, 127, 0, 0, 2 } } } };
	struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "/nonexistent/s" };
	struct sockaddr_un abstract = { .sun_family = AF_UNIX, .sun_path = "\0name" };
	struct fixture *fixture = *state;
	struct item item;

	feed_process(fixture);
	feed_peer(fixture, WIRE_NET_CONNECT, SOCK_STREAM, &v4, sizeof(v4), &item);
	assert_int_equal(item.target.kind, TARGET_PEER);
	assert_int_equal(item.target.port, 80);
	assert_int_equal(item.target.proto, PROTO_TCP);
	assert_int_equal(item.target.address_len, 4);
	assert_memory_equal(item.target.address, "\x7f\0\0\x01", 4);
	feed_peer(fixture, WIRE_NET_CONNECT, SOCK_DGRAM | IPPROTO_UDP << 16, &v6,
		  sizeof(v6), &item);
	assert_int_equal(item.target.proto, PROTO_UDP);
	assert_int_equal(item.target.address_len, 4); /* IPv4-mapped */
	assert_memory_equal(item.target.address, "\x7f\0\0\x02", 4);
	skip_to(fixture, ITEM_EVENT, &item);
	assert_int_equal(item.event.flags, EVENT_DATAGRAM);
	v6.sin6_addr.s6_addr[0] = 0x20;
	feed_peer(fixture, WIRE_NET_CONNECT, SOCK_STREAM, &v6, sizeof(v6), &item);
	assert_int_equal(item.target.address_len, 16);
	feed_peer(fixture, WIRE_NET_CONNECT, SOCK_STREAM, &path, sizeof(path), &item);
	assert_int_equal(item.target.kind, TARGET_UNIX);
	assert_str(item.target.path, "/nonexistent/s");
	feed_peer(fixture, WIRE_NET_CONNECT, SOCK_STREAM, &abstract, 2 + 5, &item);
	assert_str(item.target.path, "@name");
	feed_peer(fixture, WIRE_NET_CONNECT, SOCK_STREAM, &abstract, 2, &item);
	assert_str(item.target.path, "");
	feed_peer(fixture, WIRE_NET_CONNECT, SOCK_STREAM, &v4, 3, &item); /* too short */
	assert_int_equal(item.target.address_len, 0);
	feed_peer(fixture, WIRE_NET_CONNECT, SOCK_RAW, &v4, 1, &item);
	assert_int_equal(item.target.proto, PROTO_OTHER);
}

static void test_names_are_told_once_per_address(void **state)
{
	struct fixture *fixture = *state;
	const struct item *item;
	struct item process;

	feed_process(fixture);
	skip_to(fixture, ITEM_PROCESS, &process);
	record_begin(&fixture->record, WIRE_NAME, 0, sizeof(fixture->record.name));
	fixture->record.name.name_len = record_add(&fixture->record, "host", 4);
	fixture->record.name.v4_count = 1;
	fixture->record.name.v6_count = 2;
	record_add(&fixture->record, "\x0a\0\0\x01", 4);
	record_add(&fixture->record, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x02", 16);
	record_add(&fixture->record, "\x20\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	record_end(&fixture->record);
	feed_good(fixture);
	feed_good(fixture);
	item = take(fixture, ITEM_NAME);
	assert_int_equal(item->name.address_len, 4);
	assert_str(item->name.name, "host");
	item = take(fixture, ITEM_NAME);
	assert_int_equal(item->name.address_len, 4); /* mapped */
	assert_memory_equal(item->name.address, "\x0a\0\0\x02", 4);
	assert_int_equal(take(fixture, ITEM_NAME)->name.address_len, 16);
	take_nothing(fixture);
}

static void test_relative_paths_follow_the_directory(void **state)
{
	struct fixture *fixture = *state;
	struct item item;

	feed_process(fixture);
	record_begin(&fixture->record, WIRE_CWD, 0, sizeof(fixture->record.cwd));
	fixture->record.cwd.path_len = record_add(&fixture->record, "/nonexistent/there", 18);
	record_end(&fixture->record);
	feed_open(fixture, 0, "x");
	skip_to(fixture, ITEM_TARGET, &item);
	assert_str(item.target.path, "/nonexistent/x");
	record_begin(&fixture->record, WIRE_CWD, 0, sizeof(fixture->record.cwd));
	fixture->record.cwd.path_len = record_add(&fixture->record, "/nonexistent/there", 18);
	record_end(&fixture->record);
	feed_good(fixture);
	feed_open(fixture, 0, "x");
	skip_to(fixture, ITEM_TARGET, &item);
	assert_str(item.target.path, "/nonexistent/there/x");
	record_event(&fixture->record, WIRE_FILE_RENAME, LIVE_HOOK_renameat, 0);
	record_blob(&fixture->record, 0, "a", 1);
	record_blob(&fixture->record, 1, "/nonexistent/d", 14);
	record_blob(&fixture->record, 2, "../b", 4);
	record_end(&fixture->record);
	feed_good(fixture);
	skip_to(fixture, ITEM_TARGET, &item);
	assert_int_equal(item.target.kind, TARGET_PATHS);
	assert_str(item.target.path, "/nonexistent/d/a");
	assert_str(item.target.to, "/nonexistent/b");
}

static void test_made_code_names_its_maker(void **state)
{
	uint64_t range[2] = { 0x10000, 0x1000 };
	struct fixture *fixture = *state;
	struct item item;

	feed_process(fixture);
	feed_stack(fixture);
	record_event(&fixture->record, WIRE_EXEC_CODE, LIVE_HOOK_mprotect, 1);
	record_blob(&fixture->record, 0, range, sizeof(range));
	record_end(&fixture->record);
	feed_good(fixture);
	skip_to(fixture, ITEM_TARGET, &item);
	assert_int_equal(item.target.number, 0x1000);
	skip_to(fixture, ITEM_OBJECT, &item);
	assert_int_equal(item.object.kind, OBJECT_CODE);
	assert_int_equal(item.object.maker, 2); /* libx: the innermost that is not ours */
	record_stack(&fixture->record, 9, 2, 0, 0x10500, 0, 0x11000);
	feed_good(fixture);
	skip_to(fixture, ITEM_STACK, &item);
	assert_int_equal(item.stack.frames[0].object, 3);
	assert_int_equal(item.stack.frames[1].object, 0);
}

static void test_ids_without_end_stay_within_memory(void **state)
{
	struct ids ids = { 0 };
	uint32_t value;

	(void)state;
	for (uint32_t id = 1; id < 3 * IDS_MAX; id++)
		assert_int_equal(ids_set(&ids, id, id * 2), 0);
	assert_true(ids.mask < IDS_MAX);
	assert_true(ids_get(&ids, 3 * IDS_MAX - 1, &value));
	assert_int_equal(value, (3 * IDS_MAX - 1) * 2);
	assert_true(ids_get(&ids, 2 * IDS_MAX, &value));
	assert_false(ids_get(&ids, 1, &value));
	assert_int_equal(ids_set(&ids, 0, 1), -EINVAL);
	ids_done(&ids);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_an_event_comes_after_all_it_refers_to),
		CASE(test_the_second_time_only_the_event_comes),
		CASE(test_another_process_shares_objects_and_stacks),
		CASE(test_unknown_ids_make_a_chain_partial_and_nothing_worse),
		CASE(test_a_stack_that_comes_late_is_used),
		CASE(test_an_origin_is_the_chains_parent),
		CASE(test_truncated_records_are_refused),
		CASE(test_hostile_fields_are_refused),
		CASE(test_without_a_process_record_one_is_made_up),
		CASE(test_peers),
		CASE(test_names_are_told_once_per_address),
		CASE(test_relative_paths_follow_the_directory),
		CASE(test_made_code_names_its_maker),
		cmocka_unit_test(test_ids_without_end_stay_within_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
