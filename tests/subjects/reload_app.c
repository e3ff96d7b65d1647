/* SPDX-License-Identifier: Apache-2.0 */
/* reload_app FILE ROUNDS NOTES LIBRARY LIBRARY: loads the first, has it act, unloads it, loads the
 * second into the hole it left, has it act, and so on. NOTES gets "same" or "moved" per reload:
 * only when the place was the same did the test show what it is there to show. */
#include <dlfcn.h>
#include <link.h>

#include "subject.h"

static unsigned long round_with(const char *library, const char *path, int *ret_mark)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	int (*act)(const char *) = NULL;
	struct link_map *map = NULL;
	unsigned long base;

	want(handle != NULL, library);
	want(!dlinfo(handle, RTLD_DI_LINKMAP, &map), "dlinfo");
	base = map->l_addr;
	*(void **)&act = dlsym(handle, "plugin_act");
	*ret_mark = act(path);
	want(!dlclose(handle), "dlclose");
	return base;
}

int main(int argc, char **argv)
{
	unsigned long last = 0;
	FILE *notes;
	int sum = 0;

	if (argc != 6)
		return 2;
	notes = fopen(argv[3], "w");
	want(notes != NULL, argv[3]);
	for (int i = 0; i < atoi(argv[2]); i++) {
		char path[4096];
		int mark;
		unsigned long base;

		snprintf(path, sizeof(path), "%s.%d", argv[1], i % 2 + 1);
		base = round_with(argv[4 + i % 2], path, &mark);
		if (i)
			fputs(base == last ? "same\n" : "moved\n", notes);
		last = base;
		sum += mark;
	}
	fclose(notes);
	printf("sum %d\n", sum);
	return 0;
}
