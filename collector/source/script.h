/* SPDX-License-Identifier: Apache-2.0
 *
 * Which argument of an interpreter's command line is the script.
 */
#ifndef SOWATCH_SOURCE_SCRIPT_H
#define SOWATCH_SOURCE_SCRIPT_H

#include "../item.h"

/* exe: path of the program; argv: NUL-separated. The script as written there, len 0 when exe is no
 * interpreter we know or was given no script file (-c, -m, standard input). Points into argv. */
struct str script_operand(const char *exe, struct str argv);
/* For an interpreter that was given text instead of a file: "-c", or "-" (standard input); NULL
 * otherwise. */
const char *script_given(const char *exe, struct str argv);
/* An interpreter that reads its program from standard input. */
bool script_is_input(const char *exe, struct str argv);
/* N of /dev/fd/N and /proc/self/fd/N, 0 of /dev/stdin; -1: it is no name of a descriptor. */
long script_descriptor(struct str operand);

#endif
