/* SPDX-License-Identifier: Apache-2.0 */
/* lister_app DIRECTORY FILE: liblister lists DIRECTORY and opens FILE on the way. */
#include "libs.h"
#include "subject.h"

int main(int argc, char **argv)
{
	want(argc == 3 && lister_list(argv[1], argv[2]) == 0, "list");
	puts("listed");
	return 0;
}
