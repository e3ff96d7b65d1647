/* SPDX-License-Identifier: Apache-2.0 */
/* phase_app PLUGIN: opens a file before main, in it and after it; loads and unloads PLUGIN. */
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

int phase_act(void);

static void app_open(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd >= 0)
		close(fd);
}

__attribute__((constructor)) static void app_come(void)
{
	app_open("app.ctor");
}

__attribute__((destructor)) static void app_go(void)
{
	app_open("app.dtor");
}

int main(int argc, char **argv)
{
	void *plugin;

	app_open("app.act");
	phase_act();
	plugin = dlopen(argv[argc - 1], RTLD_NOW);
	return !plugin || dlclose(plugin) != 0;
}
