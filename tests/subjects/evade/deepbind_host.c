/* SPDX-License-Identifier: Apache-2.0 */
/* evade_deepbind LIBRARY ARG...: loads it so that libc comes before the preloaded library. */
#include "../subject.h"
#include "evade.h"

int main(int argc, char **argv)
{
	void *handle = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_DEEPBIND) : NULL;
	int (*act)(int, char **) = NULL;

	want(handle != NULL, "dlopen");
	*(void **)&act = dlsym(handle, "evade");
	want(act && !act(argc - 2, argv + 2), "evade");
	puts("did it");
	go_on();
	return 0;
}
