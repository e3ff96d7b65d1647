/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 of files, taken by a thread of its own, so that no ring waits for a disk. What was hashed
 * once is known by device, inode, size and time of change. Items that lack a digest are held back in
 * the queue, and those behind them: a digest that came later would be judged differently live than on
 * replay.
 */
#ifndef SOWATCH_SOURCE_DIGEST_H
#define SOWATCH_SOURCE_DIGEST_H

#include "queue.h"

#define DIGEST_HEX 64

struct digests;
struct live;

/* Nothing runs before the first file is asked for. NULL: out of memory. */
struct digests *digests_open(uint64_t seed);
void digests_close(struct digests *digests);

/* Where in the newest item of the queue the digest belongs. */
enum digest_field { DIGEST_OBJECT = 1, DIGEST_EXE, DIGEST_SCRIPT };

/* The newest item of the queue gets the digest of the file at path, opened now. device, inode: the
 * file it must be, 0 any. */
void digest_hold(struct live *live, enum digest_field field, const char *path, uint64_t device,
		 uint64_t inode);
/* May the next item be handed out? Fills in what has come. must_wait: for what has not; else a
 * digest is given up for when too much is held back. A digest that cannot be had is a hole. */
bool digest_release(struct live *live, bool must_wait);

#endif
