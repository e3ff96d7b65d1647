/* SPDX-License-Identifier: Apache-2.0
 *
 * hook_app list: every call with its expectation. hook_app run [NAME]...: makes them (all of them),
 * and prints what each returned: 0 for any success but a small number, or the errno.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hooked.h"

static int is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (!strcmp(argv[i], name))
			return 1;
	return argc == 2;
}

static void run(const struct hooked_call *one)
{
	long result;

	errno = 0;
	result = one->call();
	printf("%s ", one->name);
	if (result < 0 && result > -4096)
		printf("failed, errno %d\n", errno);
	else
		printf("%ld\n", result > 100000 ? 0 : result);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (!strcmp(argv[1], "list")) {
		for (const struct hooked_call *one = hooked_calls; one->name; one++)
			printf("%s %s %s\n", one->name, one->action, one->object);
		return 0;
	}
	hooked_prepare();
	for (const struct hooked_call *one = hooked_calls; one->name; one++)
		if (is_wanted(one->name, argc, argv))
			run(one);
	return 0;
}
