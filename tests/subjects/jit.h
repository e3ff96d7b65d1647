/* SPDX-License-Identifier: Apache-2.0 */
/* What libjit and libasker export. */
#ifndef SUBJECT_JIT_H
#define SUBJECT_JIT_H

#include <stdbool.h>

enum jit_frame { JIT_FRAMED, JIT_BARE }; /* push %rbp; mov %rsp,%rbp - or rbp left alone */

typedef int (*jit_code)(const char *path);

/* libjit: writes code that calls open(path, O_RDONLY), on a page of its own; is_raw: made executable
 * past libc. */
jit_code jit_make(enum jit_frame frame, bool is_raw);
int jit_run(jit_code code, const char *path);

/* libasker: has libjit run the code. */
int asker_ask(jit_code code, const char *path);

#endif
