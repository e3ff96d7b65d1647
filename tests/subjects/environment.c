/* SPDX-License-Identifier: Apache-2.0 */
/* Shows the environment in every way a program can look at it. */
#include <fcntl.h>

#include "subject.h"

extern char **environ;

static void show_proc(const char *name, const char *prefix)
{
	static char data[1 << 16];
	int fd = open(name, O_RDONLY);
	ssize_t bytes = fd < 0 ? -1 : read(fd, data, sizeof(data) - 1);

	want(bytes >= 0, name);
	data[bytes] = 0;
	for (char *at = data; at < data + bytes; at += strlen(at) + 1)
		printf("%s %s\n", prefix, at);
	close(fd);
}

int main(int argc, char **argv, char **envp)
{
	const char *names[] = { "LD_PRELOAD", "SOWATCH", "HOME", "LD_LIBRARY_PATH" };

	for (char **at = environ; *at; at++)
		printf("environ %s\n", *at);
	for (char **at = envp; *at; at++)
		printf("envp %s\n", *at);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		printf("getenv %s %s\n", names[i], getenv(names[i]) ?: "(none)");
		printf("secure_getenv %s %s\n", names[i], secure_getenv(names[i]) ?: "(none)");
	}
	for (int i = 1; i < argc; i++)
		printf("argument %s\n", argv[i]);
	show_proc("/proc/self/cmdline", "cmdline");
	return 0;
}
