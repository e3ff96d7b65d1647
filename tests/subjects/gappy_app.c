/* SPDX-License-Identifier: Apache-2.0 */
/* gappy_app FILE: has libgappy open FILE. */
#include "subject.h"

int gappy_open(const char *path);

int main(int argc, char **argv)
{
	want(argc > 1, "usage");
	want(gappy_open(argv[1]) >= 0, argv[1]);
	puts("opened");
	return 0;
}
