/* SPDX-License-Identifier: Apache-2.0
 *
 * Items on their way into a block: copied, laid out in columns, packed when the block is written.
 * Pure memory, no I/O.
 */
#ifndef SOWATCH_LOG_PENDING_H
#define SOWATCH_LOG_PENDING_H

#include "../../preload/wire/ring.h" /* WIRE_FAMILIES */
#include "../item.h"

struct log_pending;

struct log_pending *log_pending_new(void);
void log_pending_free(struct log_pending *pending);

/* 0; -EINVAL (not an item the log can give back) and -EMSGSIZE (beyond LOG_ITEM_MAX): nothing was
 * added; -ENOMEM: the pending block is lost. */
int log_pending_add(struct log_pending *pending, const struct item *item);
/* No further item may be added before log_pending_clear(). */
bool log_pending_is_full(const struct log_pending *pending);
bool log_pending_is_empty(const struct log_pending *pending);

uint32_t log_pending_events(const struct log_pending *pending);
uint64_t log_pending_first_time(const struct log_pending *pending);
/* Two steps: the size, then into as many bytes. The first prepares for the second. */
size_t log_pending_size(struct log_pending *pending);
void log_pending_pack(struct log_pending *pending, uint8_t *out);
void log_pending_clear(struct log_pending *pending);

#endif
