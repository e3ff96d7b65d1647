/* SPDX-License-Identifier: Apache-2.0 */
/* libmid: only passes calls on to libleaf. Built plain and with tail calls, like libleaf. */
#include "libs.h"

int mid_open(const char *path)
{
	return leaf_open(path);
}

int mid_system(const char *command)
{
	return leaf_system(command);
}

int mid_unlink(const char *path)
{
	return leaf_unlink(path);
}
