/* SPDX-License-Identifier: Apache-2.0
 *
 * A log as a source: replay is the live pipeline fed from here.
 */
#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../log/log.h"

struct source_log {
	struct source source; /* first: what callers hold */
	struct log_reader *reader;
};

static struct source_log *source_log_of(struct source *source)
{
	return (struct source_log *)source;
}

static int source_log_next(struct source *source, struct item *ret_item)
{
	int result = log_next(source_log_of(source)->reader, ret_item);

	return result ? result : -ENODATA;
}

static const char *source_log_error(struct source *source)
{
	return log_error(source_log_of(source)->reader);
}

static void source_log_close(struct source *source)
{
	log_reader_free(source_log_of(source)->reader);
	free(source);
}

static const struct source_ops source_log_ops = {
	.next = source_log_next,
	.error = source_log_error,
	.close = source_log_close,
};

int source_log_open(const char *path, struct source **ret_source, char *error, size_t error_bytes)
{
	struct source_log *log = calloc(1, sizeof(*log));
	int result;

	if (!log) {
		snprintf(error, error_bytes, "%s: out of memory", path);
		return -ENOMEM;
	}
	result = log_open(path, &log->reader, error, error_bytes);
	if (result) {
		free(log);
		return result;
	}
	log->source.ops = &source_log_ops;
	*ret_source = &log->source;
	return 0;
}
