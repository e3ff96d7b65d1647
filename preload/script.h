/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOWATCH_SCRIPT_H
#define SOWATCH_SCRIPT_H

#include "wire/event.h"

/* Of this process, as it begins; words: its arguments, NUL-separated. Returns the bytes of *ret that are
 * worth telling: all, or 0. */
uint32_t script_pipes(const char *words, uint32_t bytes, struct wire_pipes *ret);

#endif
