/* SPDX-License-Identifier: Apache-2.0 */
/* carrier_app WHO WHAT OBJECT...: acts one after the other; WHO is "lib" (libcarrier), "other" (the
 * same code as another library), "child" (libcarrier in a forked child) or "app" (its own code). */
#include <sys/wait.h>

#define carrier_do app_do
#include "carrier.c"
#undef carrier_do
#include "subject.h"

int carrier_do(const char *what, const char *object);

int other_do(const char *what, const char *object);

static int do_in_child(const char *what, const char *object)
{
	int status;
	pid_t pid = fork();

	want(pid >= 0, "fork");
	if (!pid)
		_exit(-carrier_do(what, object));
	want(waitpid(pid, &status, 0) == pid && WIFEXITED(status), "waitpid");
	return -WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	for (int i = 1; i + 2 < argc; i += 3) {
		const char *who = argv[i], *what = argv[i + 1], *object = argv[i + 2];
		int error = !strcmp(who, "lib")	    ? carrier_do(what, object)
			    : !strcmp(who, "other") ? other_do(what, object)
			    : !strcmp(who, "app")   ? app_do(what, object)
						    : do_in_child(what, object);

		printf("%s %s: %s\n", who, what, error ? strerror(-error) : "done");
	}
	return 0;
}
