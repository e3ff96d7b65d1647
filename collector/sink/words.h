/* SPDX-License-Identifier: Apache-2.0
 *
 * The one way findings and holes are put into words; text and JSON lines share it. Everything that
 * came from the service is escaped as asked.
 */
#ifndef SOWATCH_SINK_WORDS_H
#define SOWATCH_SINK_WORDS_H

#include "escape.h"
#include "sink.h"

const char *words_kind(enum subject_kind kind);	    /* "library" */
const char *words_action(uint8_t action);	    /* "net.connect" */
const char *words_family(uint8_t action);	    /* "network", "file", "exec", "env" */
const char *words_severity(enum severity severity); /* "high" */
const char *words_confidence(const struct outcome *outcome);
const char *words_verdict(enum verdict verdict);
const char *words_hole(uint8_t kind); /* "shim-only" */

/* "127.0.0.1" or "2001:db8::1". */
void words_address(struct text *text, const struct item_target *target);
/* "tcp", "udp", "" */
const char *words_proto(const struct item_target *target);
/* A name the process knows the target's address by, or "". */
const char *words_host(struct model *model, uint32_t process, const struct item_target *target);

/* Of a script's or Python file's code, 0: not known. */
uint64_t words_line(const struct chain_link *link);
/* "script codecov:12 (via curl, libcurl.so.4) connected to 127.0.0.66:18202" */
void words_message(struct text *text, const struct finding *finding, enum escape escape);
/* "its profile allows network.connect: codecov.io" */
void words_expected(struct text *text, const struct finding *finding, enum escape escape);
/* "library libfoo.so connected to 192.0.2.1:443": an event on a peer, for the ledger. */
void words_contact(struct text *text, struct model *model, const struct item_event *event,
		   const struct outcome *outcome);
/* One hole: what it is, how many, where, who. */
/* "net", "file", "exec", "env"; "stack" for what only describes others; NULL: of no family. */
const char *words_hole_family(const struct item_hole *hole);
void words_hole_sentence(struct text *text, struct model *model, const struct item_hole *hole,
			 enum escape escape);

/* 2026-11-23T17:29:00.123456789Z of an event's CLOCK_MONOTONIC time. */
void words_time(struct text *text, const struct item_run *run, uint64_t monotonic_ns);

#endif
