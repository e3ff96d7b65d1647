/* SPDX-License-Identifier: Apache-2.0
 *
 * orion_host DIRECTORY: polls many nodes, runs a program, writes a report, and has its business layer
 * plugin refresh. Whatever one of its plugins did, this process would be a likely one to do it.
 */
#include <dlfcn.h>

#include "twin.h"

static void poll_nodes(void)
{
	for (int node = 20; node <= 30; node++) {
		char address[32];

		snprintf(address, sizeof(address), "127.0.0.%d", node);
		twin_http(address, "GET", "/status", ""); /* nobody is at home: refused */
	}
}

int main(int argc, char **argv)
{
	int (*refresh)(const char *directory);
	char path[512];
	void *plugin;

	if (argc != 2)
		return 2;
	poll_nodes();
	snprintf(path, sizeof(path), "%s/report", argv[1]);
	if (twin_write(path, "11 nodes\n", 0644) || system("/bin/true"))
		return 1;
	snprintf(path, sizeof(path), "%s/liborion_bl.so", argv[1]);
	plugin = dlopen(path, RTLD_NOW);
	if (!plugin) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	*(void **)&refresh = dlsym(plugin, "orion_refresh");
	if (!refresh || refresh(argv[1]))
		return 1;
	puts("refreshed");
	return 0;
}
