/* SPDX-License-Identifier: Apache-2.0
 *
 * What an event was done to, as words: the way rules see it (a process's own /proc/PID is /proc/self,
 * the home directory is ~, an address is the name it was resolved from).
 */
#ifndef SOWATCH_LEARN_WORDING_H
#define SOWATCH_LEARN_WORDING_H

#include "../model/model.h"

#define EVENT_WORDS_MAX 512u

/* By action: files and loads: path; rename and link: both; run: program, arguments; peers: address,
 * name or unix:..., port, protocol; resolve and variables: name; others: "any". */
struct event_words {
	const char *parts[EVENT_WORDS_MAX];
	uint32_t count;
	uint64_t pids; /* see struct normal_value */
	char *memory;
	bool is_cut; /* there were more arguments */
};

/* Out of memory: no words. */
void wording_of(struct model *model, const struct item_event *event, struct event_words *ret);
void wording_done(struct event_words *words);

/* A sentence's object out of words: "/usr/bin/git fetch origin". text is not cleared. */
struct text;
void wording_show(struct text *text, uint32_t action, const char *const *parts, uint32_t count);

#endif
