/* SPDX-License-Identifier: Apache-2.0 */
/* libasker: what it does, it has libjit's code do. */
#include "jit.h"

int asker_ask(jit_code code, const char *path)
{
	return jit_run(code, path);
}
