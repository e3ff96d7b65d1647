/* SPDX-License-Identifier: Apache-2.0 */
/* lister_app DIRECTORY FILE [walk]: liblister lists DIRECTORY, or walks through it, and opens FILE on
 * the way. */
#include "libs.h"
#include "subject.h"

int main(int argc, char **argv)
{
	want(argc == 3 || argc == 4, "usage");
	want((argc == 3 ? lister_list : lister_walk)(argv[1], argv[2]) == 0, "list");
	puts("listed");
	return 0;
}
