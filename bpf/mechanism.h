/* SPDX-License-Identifier: Apache-2.0
 *
 * What this kernel lets us attach to, found out by doing it with a program of two instructions.
 */
#ifndef SOWATCH_BPF_MECHANISM_H
#define SOWATCH_BPF_MECHANISM_H

#include <stdbool.h>
#include <stddef.h>

struct btf;

/* Each takes the kernel's types, read once. */

/* Whether functions of the kernel can be watched (fentry), which shows the objects themselves.
 * The reason is a sentence either way. */
bool mechanism_has_objects(const struct btf *btf, char *reason, size_t reason_bytes);

/* Whether the kernel has this tracepoint ("io_uring_complete"). */
bool mechanism_has_tracepoint(const struct btf *btf, const char *name);

/* Whether the kernel has this function to attach to. */
bool mechanism_has_function(const struct btf *btf, const char *name);

#endif
