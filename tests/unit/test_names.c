/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules by host name where the resolver's answers were not heard: a hole, not a deviation; and what
 * does not buy that doubt. The real policy behind the real pipeline.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/pipeline.h"

#define DNS "192.0.2.53"
#define VENDOR "192.0.2.1"

static const char policy_text[] =
	"version: 1\n"
	"guards:\n"
	"  - {name: rogue, network: {connect: [{to: [\"*.rogue.test\"], ports: [8080]}]}, reason: rogues}\n"
	"profiles:\n"
	"  - {name: strict, match: {library: libstrict.so}, reason: r,\n"
	"     network: {connect: [{to: [\"*.vendor.test\"], ports: [443], proto: tcp}]}}\n"
	"  - {name: asker, match: {library: libasker.so}, reason: r,\n"
	"     network: {connect: [{to: [\"*.vendor.test\"], ports: [443], proto: tcp}],\n"
	"               send: [{to: [\"192.0.2.0/24\"], ports: [53], proto: udp}], resolve: any}}\n"
	"  - {name: resolver, match: {library: libcares.so}, reason: r,\n"
	"     network: {send: [{ports: [53]}], connect: [{ports: [853]}]}}\n";

enum { STRICT = 1, ASKER, CARES, BARE, OBJECTS };
static const char *const sonames[OBJECTS] = { "", "libstrict.so", "libasker.so", "libcares.so",
					      "libbare.so" };
enum { GETADDRINFO = 1, SENDTO, RES_QUERY, FUNCTIONS };
static const char *const functions[FUNCTIONS] = { "", "getaddrinfo", "sendto", "res_query" };

struct bench {
	struct pipeline *pipeline;
	struct policy *policy;
	const struct report *report;
	uint32_t processes, stacks, chains, targets;
};

static struct str text(const char *string)
{
	return (struct str){ string, (uint32_t)strlen(string) };
}

static void feed(struct bench *b, struct item item)
{
	assert_int_equal(pipeline_run_item(b->pipeline, &item), 0);
}

static uint32_t process_add(struct bench *b, bool is_covered, uint32_t parent, uint8_t how)
{
	feed(b, (struct item){ .type = ITEM_PROCESS,
			       .process = { .id = ++b->processes, .parent = parent, .how = how,
					    .covered = is_covered, .pid = 100 + b->processes,
					    .start_ns = 1, .exe = STR_LIT("/srv/app"),
					    .home = STR_LIT("/") } });
	return b->processes;
}

/* With one covered process, number 1. */
static void bench_open(struct bench *b, const char *filter)
{
	struct policy_text one = { (char *)"p.yaml", (char *)policy_text, sizeof(policy_text) - 1 };
	struct policy_options loading = { .errors = stderr };
	struct pipeline_options options = { .filter = { .action = filter }, .errors = stderr };

	memset(b, 0, sizeof(*b));
	assert_int_equal(policy_load_texts(&one, 1, &loading, &b->policy), 0);
	options.policy = b->policy;
	b->pipeline = pipeline_new(&options);
	feed(b, (struct item){ .type = ITEM_RUN,
			       .run = { .tool_version = STR_LIT("t"), .vantage = STR_LIT("both"),
					.realtime_ns = 1000000000000000000ull } });
	for (uint32_t i = 1; i < FUNCTIONS; i++)
		feed(b, (struct item){ .type = ITEM_FUNCTION, .function = { i, text(functions[i]) } });
	for (uint32_t i = 1; i < OBJECTS; i++)
		feed(b, (struct item){ .type = ITEM_OBJECT,
				       .object = { .id = i, .kind = OBJECT_ELF, .inode = i,
						   .path = text(sonames[i]),
						   .soname = text(sonames[i]) } });
	process_add(b, true, 0, PROCESS_ROOT);
}

static void bench_close(struct bench *b)
{
	pipeline_free(b->pipeline);
	policy_free(b->policy);
}

/* The libraries on the stack, innermost first, 0: none. */
static uint32_t chain_add(struct bench *b, uint32_t process, uint32_t inner, uint32_t outer)
{
	struct item_frame frames[2] = { { .object = inner }, { .object = outer } };

	feed(b, (struct item){ .type = ITEM_STACK,
			       .stack = { ++b->stacks, 0, outer ? 2 : 1, frames } });
	feed(b, (struct item){ .type = ITEM_CHAIN, .chain = { ++b->chains, process, b->stacks, 0 } });
	return b->chains;
}

static struct item_event act(struct bench *b, uint32_t process, uint32_t chain, uint8_t action,
			     const char *address, uint16_t port)
{
	struct item_target target = { .id = ++b->targets, .kind = TARGET_PEER, .port = port,
				      .proto = action == WIRE_NET_SEND ? PROTO_UDP : PROTO_TCP,
				      .address_len = 4 };

	assert_int_equal(inet_pton(AF_INET, address, target.address), 1);
	feed(b, (struct item){ .type = ITEM_TARGET, .target = target });
	return (struct item_event){ .time_ns = 1, .process = process, .chain = chain,
				    .target = b->targets, .action = action, .function = SENDTO };
}

static void event(struct bench *b, struct item_event it)
{
	feed(b, (struct item){ .type = ITEM_EVENT, .event = it });
}

static void answer(struct bench *b, uint32_t process, const char *address, const char *name)
{
	struct item_name it = { .process = process, .address_len = 4, .name = text(name) };

	assert_int_equal(inet_pton(AF_INET, address, it.address), 1);
	feed(b, (struct item){ .type = ITEM_NAME, .name = it });
}

/* Ends the run; how many deviations, and how many times a name was not known. */
static void expect(struct bench *b, unsigned deviations, unsigned names)
{
	unsigned count = 0;

	feed(b, (struct item){ .type = ITEM_END, .end = { .time_ns = 2 } });
	b->report = pipeline_finish(b->pipeline);
	for (unsigned i = 0; i < b->report->tally->hole_count; i++)
		if (b->report->tally->holes[i].hole.kind == HOLE_NAME)
			count += (unsigned)b->report->tally->holes[i].hole.count;
	assert_int_equal(b->report->tally->deviations, deviations);
	assert_int_equal(count, names);
	assert_int_equal(b->report->verdict, deviations ? VERDICT_DEVIATES
					     : names	? VERDICT_UNKNOWN
							: VERDICT_CLEAN);
	bench_close(b);
}

static void dial(struct bench *b, uint32_t process, uint32_t chain)
{
	event(b, act(b, process, chain, WIRE_NET_CONNECT, VENDOR, 443));
}

static void test_a_heard_resolver_leaves_no_doubt(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, NULL);
	dial(&b, 1, chain_add(&b, 1, STRICT, 0));
	expect(&b, 1, 0);
	bench_open(&b, NULL);
	answer(&b, 1, VENDOR, "api.vendor.test");
	dial(&b, 1, chain_add(&b, 1, STRICT, 0));
	expect(&b, 0, 0);
}

static void test_nobody_hears_a_process_without_shim(void **state)
{
	struct item_event it;
	struct bench b;
	uint32_t chain;

	(void)state;
	bench_open(&b, NULL);
	process_add(&b, false, 1, PROCESS_EXEC);
	chain = chain_add(&b, 2, STRICT, 0);
	dial(&b, 2, chain);
	dial(&b, 2, chain);
	expect(&b, 0, 2);
	/* Nor one whose shim has not spoken yet. */
	bench_open(&b, NULL);
	it = act(&b, 1, chain_add(&b, 1, STRICT, 0), WIRE_NET_CONNECT, VENDOR, 443);
	it.flags = EVENT_UNHEARD;
	event(&b, it);
	expect(&b, 0, 1);
}

static void test_the_hole_says_who_and_where(void **state)
{
	const struct item_hole *hole;
	struct bench b;

	(void)state;
	bench_open(&b, NULL);
	process_add(&b, false, 1, PROCESS_EXEC);
	dial(&b, 2, chain_add(&b, 2, STRICT, 0));
	feed(&b, (struct item){ .type = ITEM_END });
	b.report = pipeline_finish(b.pipeline);
	assert_int_equal(b.report->tally->hole_count, 1);
	hole = &b.report->tally->holes[0].hole;
	assert_int_equal(hole->process, 2);
	assert_string_equal(hole->what.data, "library libstrict.so connected to " VENDOR ":443");
	assert_string_equal(b.report->reasons[0],
			    "an address was reached whose name could not be known: library "
			    "libstrict.so connected to 192.0.2.1:443 (no shim tells what its process "
			    "resolved), in process 102 /srv/app");
	bench_close(&b);
}

static void test_what_is_wrong_whatever_the_name(void **state)
{
	struct bench b;
	uint32_t chain;

	(void)state;
	bench_open(&b, NULL);
	process_add(&b, false, 1, PROCESS_EXEC);
	chain = chain_add(&b, 2, STRICT, 0);
	event(&b, act(&b, 2, chain, WIRE_NET_CONNECT, VENDOR, 80));
	event(&b, act(&b, 2, chain, WIRE_NET_SEND, VENDOR, 443));
	expect(&b, 2, 0);
	/* An address that is known, under another name. */
	bench_open(&b, NULL);
	chain = chain_add(&b, 1, ASKER, 0);
	answer(&b, 1, VENDOR, "evil.test");
	event(&b, act(&b, 1, chain, WIRE_NET_SEND, DNS, 53));
	dial(&b, 1, chain);
	expect(&b, 1, 0);
}

static void test_a_forbidden_query_buys_nothing(void **state)
{
	struct item_event it;
	struct bench b;
	uint32_t chain;

	(void)state;
	bench_open(&b, NULL);
	chain = chain_add(&b, 1, STRICT, 0);
	event(&b, act(&b, 1, chain, WIRE_NET_SEND, DNS, 53));
	event(&b, act(&b, 1, chain, WIRE_NET_CONNECT, DNS, 853));
	dial(&b, 1, chain);
	expect(&b, 3, 0);
	/* Nor one that asked nobody. */
	bench_open(&b, NULL);
	chain = chain_add(&b, 1, STRICT, 0);
	it = act(&b, 1, chain, WIRE_NET_CONNECT, DNS, 53);
	it.flags = EVENT_DATAGRAM;
	event(&b, it);
	it = act(&b, 1, chain_add(&b, 1, CARES, STRICT), WIRE_NET_CONNECT, DNS, 853);
	it.result = -ECONNREFUSED;
	event(&b, it);
	dial(&b, 1, chain);
	expect(&b, 1, 0);
}

static void test_own_queries_are_not_heard(void **state)
{
	struct bench b;
	uint32_t chain;

	(void)state;
	bench_open(&b, NULL);
	chain = chain_add(&b, 1, ASKER, 0);
	event(&b, act(&b, 1, chain, WIRE_NET_SEND, DNS, 53));
	dial(&b, 1, chain);
	/* Somebody else in this process, whom nobody has asked for. */
	dial(&b, 1, chain_add(&b, 1, STRICT, 0));
	expect(&b, 1, 1);
	/* By a library that was asked to: who asked is not heard either. */
	bench_open(&b, NULL);
	event(&b, act(&b, 1, chain_add(&b, 1, CARES, STRICT), WIRE_NET_SEND, DNS, 53));
	dial(&b, 1, chain_add(&b, 1, STRICT, 0));
	dial(&b, 1, chain_add(&b, 1, ASKER, 0));
	expect(&b, 1, 1);
}

static void test_libcs_queries_are_heard(void **state)
{
	struct item_event it;
	struct bench b;
	uint32_t chain;

	(void)state;
	bench_open(&b, NULL);
	chain = chain_add(&b, 1, ASKER, 0);
	it = act(&b, 1, chain, WIRE_NET_SEND, DNS, 53);
	it.function = GETADDRINFO;
	event(&b, it);
	it.function = SENDTO;
	it.via[0] = GETADDRINFO;
	event(&b, it);
	dial(&b, 1, chain);
	expect(&b, 1, 0);
	/* But for the packets it hands over unread. */
	bench_open(&b, NULL);
	chain = chain_add(&b, 1, ASKER, 0);
	feed(&b, (struct item){ .type = ITEM_TARGET,
				.target = { .id = ++b.targets, .kind = TARGET_NAME,
					    .path = STR_LIT("x.test") } });
	event(&b, (struct item_event){ .time_ns = 1, .process = 1, .chain = chain,
				       .target = b.targets, .action = WIRE_NET_RESOLVE,
				       .function = RES_QUERY });
	dial(&b, 1, chain);
	expect(&b, 0, 1);
}

static void test_forks_inherit_what_was_asked_before(void **state)
{
	struct bench b;
	uint32_t chain;

	(void)state;
	bench_open(&b, NULL);
	chain = chain_add(&b, 1, ASKER, 0);
	process_add(&b, true, 1, PROCESS_FORK);
	event(&b, act(&b, 1, chain, WIRE_NET_SEND, DNS, 53));
	process_add(&b, true, 1, PROCESS_FORK);
	process_add(&b, true, 1, PROCESS_EXEC);
	for (uint32_t process = 1; process <= 4; process++)
		dial(&b, process, chain_add(&b, process, ASKER, 0));
	expect(&b, 2, 2); /* not the first child, and not the new program */
}

static void test_guards_by_name(void **state)
{
	struct bench b;
	uint32_t chain;

	(void)state;
	bench_open(&b, NULL);
	process_add(&b, false, 1, PROCESS_EXEC);
	chain = chain_add(&b, 2, BARE, 0);
	event(&b, act(&b, 2, chain, WIRE_NET_CONNECT, VENDOR, 8080));
	event(&b, act(&b, 2, chain, WIRE_NET_CONNECT, VENDOR, 8081));
	expect(&b, 0, 1);
	bench_open(&b, NULL);
	event(&b, act(&b, 1, chain_add(&b, 1, BARE, 0), WIRE_NET_CONNECT, VENDOR, 8080));
	expect(&b, 0, 0);
}

static void test_a_filter_hears_all_the_same(void **state)
{
	struct bench b;
	uint32_t chain;

	(void)state;
	bench_open(&b, "net.connect");
	chain = chain_add(&b, 1, ASKER, 0);
	event(&b, act(&b, 1, chain, WIRE_NET_SEND, DNS, 53));
	dial(&b, 1, chain);
	expect(&b, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_heard_resolver_leaves_no_doubt),
		cmocka_unit_test(test_nobody_hears_a_process_without_shim),
		cmocka_unit_test(test_the_hole_says_who_and_where),
		cmocka_unit_test(test_what_is_wrong_whatever_the_name),
		cmocka_unit_test(test_a_forbidden_query_buys_nothing),
		cmocka_unit_test(test_own_queries_are_not_heard),
		cmocka_unit_test(test_libcs_queries_are_heard),
		cmocka_unit_test(test_forks_inherit_what_was_asked_before),
		cmocka_unit_test(test_guards_by_name),
		cmocka_unit_test(test_a_filter_hears_all_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
