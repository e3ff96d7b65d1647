/* SPDX-License-Identifier: Apache-2.0 */
/* maker_app WAY FILE: has libmaker make somebody who acts. */
#include "libs.h"
#include "subject.h"

int main(int argc, char **argv)
{
	char *const cat[] = { "/usr/bin/cat", NULL };

	want(argc == 3, "usage");
	if (!strcmp(argv[1], "threads"))
		want(maker_threads("exit 0") == 0, "threads");
	else if (!strcmp(argv[1], "many"))
		want(maker_many(argv[2], 1500) == 0, "many");
	else if (!strcmp(argv[1], "redirected"))
		want(maker_redirected(cat, argv[2]) == 0, "redirected");
	else if (!strcmp(argv[1], "helper"))
		want(maker_helper(argv[2]) == 0, "helper");
	else if (!strcmp(argv[1], "resolve"))
		want(maker_resolve("localhost") == 0, "resolve");
	puts("made");
	return 0;
}
