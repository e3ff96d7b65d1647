/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets in command lines are replaced before anybody stores or shows them: the part that looks
 * secret becomes <redacted:8 hex digits>, a BLAKE2b keyed by a key of this run, so the same secret
 * can be recognised within a run and not be guessed after it.
 */
#ifndef SOWATCH_SOURCE_REDACT_H
#define SOWATCH_SOURCE_REDACT_H

#include "queue.h"

struct redactor;

/* extra: further PCRE2 patterns (group 1, or else the whole match, is the secret), or "glob:" and a
 * glob of a whole argument, NULL-terminated, may be NULL. -EINVAL with a sentence when one does not compile. */
int redactor_new(const char *const *extra, struct redactor **ret_redactor, char *error,
		 size_t error_bytes);
void redactor_free(struct redactor *redactor);
/* argv: NUL-separated. The answer lives in queue, or is argv itself when nothing was found. */
struct str redact_argv(struct redactor *redactor, struct queue *queue, struct str argv);

#endif
