/* SPDX-License-Identifier: Apache-2.0
 *
 * A small driver for builds without libFuzzer: fuzz_NAME ROUNDS [FIRST]. Every round is made from
 * its number alone, so `fuzz_NAME 1 ROUND` repeats the one that failed (it is told on abort: run with
 * ASAN_OPTIONS=abort_on_error=1).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define FUZZ_BYTES (64u << 10)

static uint64_t state;
static unsigned long current_round;

static uint64_t fuzz_random(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static void fuzz_change(uint8_t *data, size_t *size)
{
	size_t at = *size ? fuzz_random() % *size : 0;
	size_t len = 1 + fuzz_random() % 16;

	switch (fuzz_random() % 7) {
	case 0:
		data[at] ^= (uint8_t)(1u << fuzz_random() % 8);
		break;
	case 1:
		data[at] = (uint8_t)fuzz_random();
		break;
	case 2: /* where lengths break */
		memset(data + at, fuzz_random() & 1 ? 0xff : 0, *size - at < 4 ? *size - at : 4);
		break;
	case 3: /* cut */
		*size = at;
		break;
	case 4: /* leave out */
		len = *size - at < len ? *size - at : len;
		memmove(data + at, data + at + len, *size - at - len);
		*size -= len;
		break;
	case 5: /* repeat */
		len = *size - at < len ? *size - at : len;
		if (*size + len <= FUZZ_BYTES) {
			memmove(data + at + len, data + at, *size - at);
			*size += len;
		}
		break;
	default: /* copy within */
		len = *size - at < len ? *size - at : len;
		memmove(data + fuzz_random() % (*size - len + 1), data + at, len);
		break;
	}
}

static void fuzz_round(unsigned long number, uint8_t *buffer)
{
	uint8_t *exact;
	unsigned seeds = 0;
	size_t size;

	state = number * 0x2545f4914f6cdd1dull;
	while (fuzz_seed(seeds, buffer, FUZZ_BYTES))
		seeds++;
	size = seeds ? fuzz_seed((unsigned)(fuzz_random() % seeds), buffer, FUZZ_BYTES) : 0;
	if (number) /* round 0 .. seeds: as they are */
		for (uint64_t changes = fuzz_random() % 8; changes-- && size;)
			fuzz_change(buffer, &size);
	exact = malloc(size ? size : 1); /* so that ASan sees one byte too many */
	if (!exact)
		exit(2);
	memcpy(exact, buffer, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static void fuzz_on_end(int number)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "fuzz: round %lu %s; repeat it with: 1 %lu\n",
			   current_round, number == SIGALRM ? "takes more than 20 s" : "failed",
			   current_round);

	if (write(2, text, (size_t)len) < 0 || number == SIGALRM)
		_exit(3);
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	unsigned long first = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	uint8_t *buffer = calloc(1, FUZZ_BYTES);

	if (!buffer)
		return 2;
	signal(SIGALRM, fuzz_on_end);
	signal(SIGABRT, fuzz_on_end);
	for (current_round = first; current_round < first + rounds; current_round++) {
		alarm(20);
		fuzz_round(current_round, buffer);
	}
	printf("%lu rounds\n", rounds);
	free(buffer);
	return 0;
}
