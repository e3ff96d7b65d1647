/* SPDX-License-Identifier: Apache-2.0
 *
 * SARIF 2.1.0, for whoever finds something: a place in a policy file, or a behaviour with the stack
 * it came from. One run, one tool; rules are told once, results in the order they are added. Strings
 * are copied and may hold any bytes: what is not UTF-8 is written as \xNN.
 */
#ifndef SOWATCH_SINK_SARIF_H
#define SOWATCH_SINK_SARIF_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

struct sarif;

enum sarif_level { SARIF_NOTE = 1, SARIF_WARNING, SARIF_ERROR };

/* One frame of a stack, innermost first: who, and where in it when that is known. */
struct sarif_frame {
	const char *module; /* "libfoo.so.1" */
	const char *kind;   /* "library", or NULL */
	uint64_t offset;    /* in the module's own terms, 0: not told */
};

/* Members that are NULL or 0 are left out; rule and message must be there. */
struct sarif_result {
	const char *rule; /* id; one that was never described gets a rule of its own */
	enum sarif_level level;
	const char *message;	 /* a sentence */
	const char *file;	 /* physicalLocation: path as it was named ... */
	unsigned line, column;	 /* ... and where, from 1 */
	const char *name;	 /* logicalLocation: the subject ... */
	const char *name_kind;	 /* ... and what it is: "library" */
	const char *fingerprint; /* the same in every run */
	const char *stack;	 /* what the stack is: "an example of a call" */
	const struct sarif_frame *frames;
	unsigned frame_count;
	json_t *properties; /* taken over, whatever the result */
};

/* command: "sowatch diff". NULL when out of memory. */
struct sarif *sarif_new(const char *command);
/* Describes a rule; told once, a second description of an id is ignored. 0 or -ENOMEM. */
int sarif_add_rule(struct sarif *sarif, const char *id, const char *description,
		   enum sarif_level level);
/* A sentence about the run as a whole, as a hole in what was seen. 0 or -ENOMEM. */
int sarif_add_note(struct sarif *sarif, enum sarif_level level, const char *message);
int sarif_add(struct sarif *sarif, const struct sarif_result *result);
/* One object, indented, with a newline. 0, or negative errno. */
int sarif_write(const struct sarif *sarif, FILE *stream);
void sarif_free(struct sarif *sarif);

#endif
