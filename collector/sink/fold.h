/* SPDX-License-Identifier: Apache-2.0
 *
 * Repeats of one deviation, folded by event time alone: the first is told at once; further lines
 * come when the time since the first passes 1, 2, 4, 8 ... seconds, each carrying how many there
 * were since the line before; the rest at the end, in order of first appearance. The counts add up
 * to the total. Deviations the baseline knows are counted and not told.
 */
#ifndef SOWATCH_SINK_FOLD_H
#define SOWATCH_SINK_FOLD_H

#include "sink.h"

struct fold;

/* told: called for every line. baseline may be NULL. NULL when out of memory. */
struct fold *fold_new(const struct baseline *baseline,
		      void (*told)(void *arg, const struct finding *finding), void *arg);
/* One deviation: everything of the finding but fingerprint, id and count is filled; what it points
 * to beside event and outcome lives on. 1: counts as a deviation, 0: known to the baseline,
 * -ENOMEM. */
int fold_add(struct fold *fold, const struct finding *finding);
/* The remainders. */
void fold_finish(struct fold *fold);
/* The same, and what comes from now on is told as if it were new: by other rules it is. */
void fold_restart(struct fold *fold);
/* What was known to the baseline; the array lives as long as the fold. */
unsigned fold_baselined(struct fold *fold, const struct baselined **ret_baselined);
void fold_free(struct fold *fold);

/* Hex of 16 bytes that name this deviation in every run: who, what, on which object (without pids
 * and the ports that change), against which rule. */
void fold_fingerprint(const struct finding *finding, char ret_hex[33]);
/* The same with the object as it is in this run: what makes two findings repeats of each other. */
void fold_exact(const struct finding *finding, const char *fingerprint, char ret_hex[33]);

#endif
