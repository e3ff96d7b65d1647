/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOWATCH_SCRIPT_H
#define SOWATCH_SCRIPT_H

#include <stdbool.h>

#include "wire/event.h"

/* Of this process, as it begins; words: its arguments, NUL-separated. Returns the bytes of *ret that are
 * worth telling: all, or 0. */
uint32_t script_pipes(const char *words, uint32_t bytes, struct wire_pipes *ret);

/* Is this a bash? Once, at the start. */
void script_init(void);
/* The line of its script that is under way, 0: not known, or no bash. */
uint32_t script_line(void);
/* The object that stands for the script on stacks, 0: it is not defined yet and may not be. */
uint32_t script_object(bool may_define);

#endif
