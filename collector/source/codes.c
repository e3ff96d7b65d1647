/* SPDX-License-Identifier: Apache-2.0 */
#include "codes.h"

#include <stdlib.h>
#include <string.h>

/* The first that ends behind address. */
static uint32_t range_at(const struct codes *codes, uint64_t address)
{
	uint32_t low = 0, high = codes->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (codes->ranges[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* count ranges from `at` on give way to those in `with`. */
static void ranges_replace(struct codes *codes, uint32_t at, uint32_t count,
			   const struct code_range *with, uint32_t with_count)
{
	memmove(&codes->ranges[at + with_count], &codes->ranges[at + count],
		(codes->count - at - count) * sizeof(*codes->ranges));
	if (with_count)
		memcpy(&codes->ranges[at], with, with_count * sizeof(*with));
	codes->count = codes->count - count + with_count;
}

static void oldest_forget(struct codes *codes)
{
	uint32_t oldest = 0;

	for (uint32_t i = 1; i < codes->count; i++) {
		if (codes->ranges[i].time_ns < codes->ranges[oldest].time_ns)
			oldest = i;
	}
	ranges_replace(codes, oldest, 1, NULL, 0);
}

/* Two more at most: what is left of one range on both sides of another. */
static bool codes_reserve(struct codes *codes)
{
	uint32_t room = codes->room < 16 ? 16 : codes->room * 2;
	struct code_range *ranges;

	while (codes->count + 2 > CODE_RANGES_MAX)
		oldest_forget(codes);
	if (codes->count + 2 <= codes->room)
		return true;
	ranges = realloc(codes->ranges, room * sizeof(*ranges));
	if (!ranges)
		return false;
	codes->ranges = ranges;
	codes->room = room;
	return true;
}

void codes_set(struct codes *codes, const struct code_range *range)
{
	struct code_range now[3];
	uint32_t first, last, count = 0;

	if (range->start >= range->end)
		return;
	if (!codes_reserve(codes)) {
		/* Better nobody's than that of somebody before. */
		codes->count = 0;
		return;
	}
	first = last = range_at(codes, range->start);
	while (last < codes->count && codes->ranges[last].start < range->end)
		last++;
	if (first < last && codes->ranges[first].start < range->start) {
		now[count] = codes->ranges[first];
		now[count++].end = range->start;
	}
	now[count++] = *range;
	if (first < last && codes->ranges[last - 1].end > range->end) {
		now[count] = codes->ranges[last - 1];
		now[count++].start = range->end;
	}
	ranges_replace(codes, first, last - first, now, count);
}

const struct code_range *codes_find(const struct codes *codes, uint64_t address)
{
	uint32_t at = range_at(codes, address);

	return at < codes->count && codes->ranges[at].start <= address ? &codes->ranges[at] : NULL;
}

void codes_copy(struct codes *to, const struct codes *from)
{
	if (!from->count)
		return;
	to->ranges = malloc(from->count * sizeof(*to->ranges));
	if (!to->ranges)
		return;
	memcpy(to->ranges, from->ranges, from->count * sizeof(*to->ranges));
	to->count = to->room = from->count;
}

void codes_done(struct codes *codes)
{
	free(codes->ranges);
	memset(codes, 0, sizeof(*codes));
}
