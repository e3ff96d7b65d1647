/* SPDX-License-Identifier: Apache-2.0
 *
 * A source of items: the live rings, or a log. One struct, three functions.
 */
#ifndef SOWATCH_SOURCE_H
#define SOWATCH_SOURCE_H

#include "../item.h"

struct source;

struct source_ops {
	/* 1: *ret_item is filled; 0: nothing now (live only; call again after source_wait);
	 * -ENODATA: the end; other negative errno: broken, source_error() says what and where. */
	int (*next)(struct source *source, struct item *ret_item);
	/* The error of the last failure, one sentence, valid until close. */
	const char *(*error)(struct source *source);
	void (*close)(struct source *source);
};

struct source {
	const struct source_ops *ops;
};

static inline int source_next(struct source *source, struct item *ret_item)
{
	return source->ops->next(source, ret_item);
}

static inline const char *source_error(struct source *source)
{
	return source->ops->error(source);
}

static inline void source_close(struct source *source)
{
	if (source)
		source->ops->close(source);
}

/* source/log.c: reads a log file. 0 and *ret_source, or negative errno with a sentence in error. */
int source_log_open(const char *path, struct source **ret_source, char *error, size_t error_bytes);

/* source/ring.c: the live rings of one run. */
struct source_ring_options {
	const char *service;	   /* label, may be NULL */
	uint32_t ring_bytes;	   /* data area of each ring */
	uint32_t wait_ms;	   /* how long the shim may wait for room */
	uint32_t session_flags;	   /* enum wire_session_flags for the processes */
	const char *shim_path;	   /* absolute path of libsowatch.so */
	const char *const *redact; /* extra PCRE2 patterns for secrets in argv, NULL-terminated */
	bool has_digests;	   /* of every object, executable and script; what comes behind
				      one waits for it */
	const char *vantage;	   /* "shim", "kernel" or "both"; NULL: "shim" */
	uint32_t check_actions;	   /* both: 1 << wire_action whose every announcement is held against
				      the stack, besides those that always are */
};

/* Makes the sockets, nothing is started. The first item it yields is ITEM_RUN. */
int source_ring_open(const struct source_ring_options *options, struct source **ret_source,
		     char *error, size_t error_bytes);

/* The environment for the root program: envp plus what carries the session. The array and the
 * strings it added are one allocation owned by the source. */
char **source_ring_environ(struct source *source, char *const envp[]);

/* With probes: the root is this process, a child of ours that waits to exec. 0 or negative errno. */
int source_ring_watch(struct source *source, int pid);
/* How the probes are attached and why so; NULL: there are none. */
const char *source_ring_mechanism(struct source *source);

/* Loads and attaches the probes and takes them away again: 0 and how and why so, or negative errno
 * and why not. */
int source_probes_try(char *text, size_t bytes);

/* Tell the source that the root program was started (pid) with this program and argv; it is
 * expected to say hello, or be reported uncovered. */
void source_ring_started(struct source *source, int pid, const char *program, char *const argv[]);

/* The root program was reaped; shell-style status. */
void source_ring_ended(struct source *source, int status);

/* A descriptor for poll(): readable when a process says hello. Rings have no wake-ups: call
 * source_next at least every source_ring_poll_ms() milliseconds. */
int source_ring_fd(struct source *source);
int source_ring_poll_ms(struct source *source);

/* How many watched processes are still alive. */
unsigned source_ring_alive(struct source *source);

/* How many connections knew no secret of ours and were turned away. */
unsigned source_ring_strangers(struct source *source);

/* No more: drain what is there, report what still runs as holes, then ITEM_END, then -ENODATA. */
void source_ring_finish(struct source *source);

#endif
