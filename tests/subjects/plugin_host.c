/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_host FILE LIBRARY...: dlopens each library, has it open FILE.NUMBER, keeps them loaded. */
#include <dlfcn.h>

#include "subject.h"

int main(int argc, char **argv)
{
	char path[4096];

	if (argc < 3)
		return 2;
	for (int i = 2; i < argc; i++) {
		void *handle = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
		int (*act)(const char *) = NULL;

		if (!handle)
			fprintf(stderr, "%s\n", dlerror());
		want(handle != NULL, argv[i]);
		*(void **)&act = dlsym(handle, "plugin_act");
		want(act != NULL, "plugin_act");
		snprintf(path, sizeof(path), "%s.%d", argv[1], i - 1);
		printf("plugin %d: %d\n", i - 1, act(path));
	}
	return 0;
}
