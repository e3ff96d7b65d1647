/* SPDX-License-Identifier: Apache-2.0 */
// exceptions FILE OTHER COUNT: an exception through two libraries, COUNT times.
#include <cstdio>
#include <cstdlib>

#include "libs.h"

int main(int argc, char **argv)
{
	int caught = 0;

	if (argc != 4)
		return 2;
	for (int i = 0; i < atoi(argv[3]); i++)
		caught += catcher_catch(argv[1], argv[2]);
	printf("caught %d\n", caught);
	return 0;
}
