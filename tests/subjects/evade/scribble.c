/* SPDX-License-Identifier: Apache-2.0 */
/* WAY FILE: finds the shim's shared memory in our maps. header: overwrites the counters at its
 * start; data: overwrites what is in it with 0xff. Then opens FILE as anybody would. Says on
 * standard error that it scribbled; without a shim there is nothing to scribble on. */
#include <stdio.h>

#include "evade.h"

static int ring_find(char **start, char **end)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");
	int found = 0;

	while (maps && !found && fgets(line, sizeof(line), maps))
		found = strstr(line, "memfd:sowatch") &&
			sscanf(line, "%p-%p", (void **)start, (void **)end) == 2;
	if (maps)
		fclose(maps);
	return found;
}

int evade(int argc, char **argv)
{
	char *start, *end;
	int fd;

	if (argc != 2)
		return 2;
	if (ring_find(&start, &end)) {
		if (!strcmp(argv[0], "header"))
			memset(start + 64, 0xff, 192);
		else
			memset(start + 4096, 0xff, (size_t)(end - start) - 4096);
		fputs("scribbled\n", stderr);
	}
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 1;
	close(fd);
	return 0;
}
