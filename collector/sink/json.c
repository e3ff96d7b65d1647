/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINEAGE_MAX 64u

json_t *json_bytes(struct str bytes)
{
	struct text text = {0};
	text_clear(&text);
	text_escape(&text, bytes, ESCAPE_UTF8);
	return json_take(&text);
}

json_t *json_text(const char *string)
{
	return json_bytes((struct str){string, string ? (uint32_t)strlen(string) : 0});
}

json_t *json_count(uint64_t number)
{
	return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

json_t *json_take(struct text *text)
{
	json_t *ret = text->error ? NULL : json_stringn(text->data, text->len);
	text_done(text);
	return ret;
}

json_t *json_strings(struct str nul_separated)
{
	json_t *array = json_array();
	for (uint32_t at = 0; at < nul_separated.len;) {
		const char *data = nul_separated.data + at;
		struct str word = {data, (uint32_t)strnlen(data, nul_separated.len - at)};
		json_array_append_new(array, json_bytes(word));
		at += word.len + 1;
	}
	return array;
}

static json_t *json_peer(const struct finding *finding, const struct item_target *target)
{
	struct text address = {0};
	text_clear(&address);
	if (target->kind == TARGET_UNIX) {
		text_add(&address, "unix:");
		text_escape(&address, target->path, ESCAPE_UTF8);
	} else {
		words_address(&address, target);
	}
	const char *host = words_host(finding->model, finding->event->process, target);
	return json_pack("{s:o, s:i, s:s, s:o}", "address", json_take(&address), "port",
			 (int)target->port, "proto", words_proto(target), "name", json_text(host));
}

json_t *json_object_of(const struct finding *finding)
{
	const struct item_target *target = model_target(finding->model, finding->event->target);
	if (!target)
		return json_object();
	json_t *path = json_bytes(target->path.len ? target->path : target->asked);
	switch (target->kind) {
	case TARGET_PEER:
	case TARGET_UNIX:
		json_decref(path);
		return json_peer(finding, target);
	case TARGET_PATHS:
		return json_pack("{s:o, s:o}", "path", path, "to", json_bytes(target->to));
	case TARGET_PROGRAM:
		return json_pack("{s:o, s:o}", "program", path, "argv", json_strings(target->argv));
	case TARGET_NAME:
	case TARGET_VARIABLE:
		return json_pack("{s:o}", "name", path);
	case TARGET_MEMORY:
		json_decref(path);
		return json_pack("{s:o}", "bytes", json_count(target->number));
	case TARGET_PROCESS:
		return json_pack("{s:o, s:o}", "pid", json_count(target->number), "program", path);
	}
	return json_pack("{s:o}", "path", path);
}

json_t *json_subject(const struct subject *subject)
{
	json_t *object = json_pack("{s:s, s:o, s:o, s:o, s:o}", "kind", words_kind(subject->kind),
				   "name", json_text(subject->name), "path",
				   json_text(subject->path), "build_id",
				   json_text(subject->build_id), "package",
				   json_text(subject->package));
	if (object && *subject->origin)
		json_object_set_new(object, "origin", json_text(subject->origin));
	return object;
}

json_t *json_process(const struct item_run *run, const struct process *process)
{
	struct text start = {0};
	text_clear(&start);
	words_time(&start, run, process->start_ns);
	json_t *lineage = json_array();
	const struct process *parent = process->parent;
	for (unsigned i = 0; parent && i < LINEAGE_MAX; i++, parent = parent->parent)
		json_array_append_new(lineage,
				      json_pack("{s:I, s:o}", "pid", (json_int_t)parent->pid, "exe",
						json_text(parent->exe)));
	struct str argv = {process->argv, process->argv_len};
	json_t *object = json_pack("{s:I, s:o, s:o, s:o, s:o}", "pid", (json_int_t)process->pid,
				   "start", json_take(&start), "exe", json_text(process->exe),
				   "argv", json_strings(argv), "lineage", lineage);
	if (object && process->inner_pid)
		json_object_set_new(object, "inner_pid", json_integer(process->inner_pid));
	return object;
}

FILE *json_open(const char *path)
{
	if (strcmp(path, "-"))
		return fopen(path, "we");
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	FILE *stream = fd < 0 ? NULL : fdopen(fd, "w");
	if (!stream && fd >= 0)
		close(fd);
	return stream;
}

int json_write_line(FILE *stream, const json_t *object)
{
	char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
	if (!line)
		return -ENOMEM;
	errno = 0;
	bool is_written = fputs(line, stream) >= 0 && fputc('\n', stream) != EOF;
	free(line);
	return is_written ? 0 : errno ? -errno : -EIO;
}
