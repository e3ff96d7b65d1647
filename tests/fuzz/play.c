/* SPDX-License-Identifier: Apache-2.0
 *
 * Plays files to a fuzzer's function: what libFuzzer does with file arguments, for other compilers.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define FILE_MAX ((size_t)4 << 20)

int main(int argc, char **argv)
{
	uint8_t *data = malloc(FILE_MAX), *exact;
	size_t bytes;
	FILE *file;

	for (int i = 1; data && i < argc; i++) {
		file = fopen(argv[i], "rb");
		if (!file) {
			perror(argv[i]);
			return 1;
		}
		bytes = fread(data, 1, FILE_MAX, file);
		fclose(file);
		/* A copy of just the size, so that ASan sees one byte too many. */
		exact = malloc(bytes ? bytes : 1);
		if (!exact)
			return 1;
		for (size_t at = 0; at < bytes; at++)
			exact[at] = data[at];
		LLVMFuzzerTestOneInput(exact, bytes);
		free(exact);
	}
	free(data);
	printf("%d inputs played\n", argc - 1);
	return argc > 1 ? 0 : 1;
}
