/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_log [EVENTS]: the event log alone, on one core. Prints bytes per event, append and read
 * rates for three services: one that does the same all day, one that touches a new file with every
 * event, and one that is so quiet that a block is written for every hundred events.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collector/log/log.h"

struct service {
	const char *name;
	unsigned new_target_every; /* events, 0: never after the start */
	unsigned flush_every;	   /* events, 0: when full */
	unsigned mean_gap_ns;
};

struct figures {
	double append_s, read_s;
	uint64_t bytes, events;
};

static uint64_t state = 1;

static uint32_t draw(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((state >> 33) % below);
}

static double now_s(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void append(struct log_writer *writer, const struct item *item)
{
	if (log_append(writer, item)) {
		perror("bench_log: append");
		exit(1);
	}
}

static void append_definitions(struct log_writer *writer)
{
	struct item_frame frames[14];
	struct item item;

	for (uint32_t id = 1; id <= 200; id++) {
		for (unsigned i = 0; i < 14; i++)
			frames[i] = (struct item_frame){ .object = 1 + draw(40), .offset = draw(1 << 21) };
		item = (struct item){ .type = ITEM_STACK,
				      .stack = { .id = id, .count = 14, .frames = frames } };
		append(writer, &item);
		item = (struct item){ .type = ITEM_CHAIN,
				      .chain = { .id = id, .process = 1, .stack = id } };
		append(writer, &item);
	}
}

static void append_target(struct log_writer *writer, uint32_t id)
{
	struct item item = { .type = ITEM_TARGET, .target = { .id = id, .kind = 1 } };
	char path[96];
	int len = snprintf(path, sizeof(path), "/var/lib/service/cache/%02x/%08x%08x.tmp", draw(256),
			   draw(1u << 31), draw(1u << 31));

	item.target.path = item.target.asked = (struct str){ path, (uint32_t)len };
	append(writer, &item);
}

/* A request is five to nine events of one thread, always in the same places of the program. */
static void append_events(struct log_writer *writer, const struct service *service, uint64_t events)
{
	static const uint8_t actions[] = { WIRE_FILE_READ, WIRE_NET_CONNECT, WIRE_FILE_READ,
					   WIRE_ENV_READ, WIRE_FILE_WRITE };
	struct item item = { .type = ITEM_EVENT };
	struct item_event *event = &item.event;
	uint32_t targets = 0, left = 0, request = 0;

	while (targets < 300)
		append_target(writer, ++targets);
	event->process = 1;
	event->time_ns = 123456789012345;
	for (uint64_t i = 0; i < events; i++) {
		if (!left) {
			left = 5 + draw(5);
			event->tid = 4000 + draw(8);
			request = draw(20);
		}
		left--;
		event->time_ns += draw(2 * service->mean_gap_ns);
		event->chain = 1 + request * 10 + left;
		event->target = 1 + (request * 10 + left * 3 + draw(2)) % 300;
		event->action = actions[event->chain % 5];
		event->function = (uint16_t)(1 + event->chain % 30);
		event->result = event->action == WIRE_ENV_READ ? 0 : (int32_t)(5 + draw(20));
		event->detail = event->action == WIRE_FILE_READ ? 0x80000 : 0;
		event->via[0] = event->chain % 7 ? 0 : 3;
		if (service->new_target_every && i % service->new_target_every == 0) {
			append_target(writer, ++targets);
			event->target = targets;
		}
		append(writer, &item);
		if (service->flush_every && i % service->flush_every == 0)
			log_flush(writer);
	}
}

static void bench_write(const char *path, const struct service *service, uint64_t events,
			struct figures *figures)
{
	struct item end = { .type = ITEM_END };
	struct log_writer *writer;
	double start = now_s();

	if (log_create(path, &writer)) {
		perror(path);
		exit(1);
	}
	append_definitions(writer);
	append_events(writer, service, events);
	append(writer, &end);
	log_flush(writer);
	figures->append_s = now_s() - start;
	log_close(writer);
}

static void bench_read(const char *path, struct figures *figures)
{
	struct log_reader *reader;
	struct item item;
	char error[256];
	double start = now_s();
	int result;

	if (log_open(path, &reader, error, sizeof(error))) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	figures->events = 0;
	while ((result = log_next(reader, &item)) > 0)
		figures->events += item.type == ITEM_EVENT;
	if (result < 0) {
		fprintf(stderr, "%s\n", log_error(reader));
		exit(1);
	}
	figures->read_s = now_s() - start;
	log_reader_free(reader);
}

int main(int argc, char **argv)
{
	static const struct service services[] = {
		{ "steady", 0, 0, 20000 },
		{ "new file each event", 1, 0, 20000 },
		{ "quiet, 100 events a block", 0, 100, 10000000 },
	};
	uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;
	char path[] = "/tmp/bench-log-XXXXXX";
	struct figures figures;
	struct stat stat_now;

	close(mkstemp(path));
	printf("%-28s %12s %14s %14s\n", "service", "bytes/event", "append /s", "read /s");
	for (unsigned i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		bench_write(path, &services[i], events, &figures);
		bench_read(path, &figures);
		stat(path, &stat_now);
		printf("%-28s %12.2f %14.0f %14.0f\n", services[i].name,
		       (double)stat_now.st_size / (double)events, (double)events / figures.append_s,
		       (double)figures.events / figures.read_s);
		if (truncate(path, 0))
			perror(path);
	}
	unlink(path);
	return 0;
}
