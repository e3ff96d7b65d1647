/* SPDX-License-Identifier: Apache-2.0
 *
 * traps_app NAME...: has the library call libc for that, `all` is everything.
 */
#include <stdio.h>

int traps_spring(const char *name);

int main(int argc, char **argv)
{
	int count = 0;
	for (int i = 1; i < argc; i++)
		count += traps_spring(argv[i]);
	printf("%d sprung\n", count);
	return !count;
}
