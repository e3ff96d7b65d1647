/* SPDX-License-Identifier: Apache-2.0
 *
 * A policy whose files change while it judges. A thread of its own watches them and compiles aside,
 * so that reading a large policy keeps nobody from draining rings; the verb changes over between
 * two items.
 */
#ifndef SOWATCH_CLI_RELOAD_H
#define SOWATCH_CLI_RELOAD_H

#include "cli.h"

struct reload;

/* Notes changes from now on: call before the policy is loaded the first time. paths: borrowed
 * strings, as for policy_load(). NULL: out of memory or of watches, told; the policy then stays
 * what it is. */
struct reload *reload_new(const char *const *paths, unsigned count);
/* Starts the thread; every signal the caller blocks stays blocked in it. 0 or negative errno. */
int reload_start(struct reload *reload, const char *hash);
/* Reads the files again although nothing seems to have changed (SIGHUP). */
void reload_ask(struct reload *reload);
/* A policy that is to judge from now on (the caller's), or NULL: almost always, and then for the
 * price of one load. What went wrong is told here, and with is_telling what went right. */
struct policy *reload_take(struct reload *reload, bool is_telling);
void reload_free(struct reload *reload);

#endif
