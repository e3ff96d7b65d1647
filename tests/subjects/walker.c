/* SPDX-License-Identifier: Apache-2.0 */
/* libwalker: the library whose callback acts. */
#include "libs.h"

void walker_each(const char *const *names, int (*step)(const char *name))
{
	for (; *names; names++)
		if (step(*names))
			return;
}
