/* SPDX-License-Identifier: Apache-2.0
 *
 * Items on their way out of a block: a payload that passed its checks is still hostile, because
 * the checks need no secret. Pure memory, no I/O.
 */
#ifndef SOWATCH_LOG_ITEMS_H
#define SOWATCH_LOG_ITEMS_H

#include "../../preload/wire/ring.h" /* WIRE_FAMILIES */
#include "../item.h"

struct log_items;

struct log_items *log_items_new(void);
void log_items_free(struct log_items *items);

/* Takes over what a payload says; it is not needed afterwards. 0; -EBADMSG, -ENOMEM: see fault. */
int log_items_load(struct log_items *items, const uint8_t *raw, size_t bytes);
uint32_t log_items_events(const struct log_items *items);
/* 1 item, its pointers valid until the next load; 0: no more; -EBADMSG, -ENOMEM: see fault. */
int log_items_next(struct log_items *items, struct item *ret_item);
/* What was wrong, half a sentence. */
const char *log_items_fault(const struct log_items *items);

#endif
