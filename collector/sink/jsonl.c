/* SPDX-License-Identifier: Apache-2.0
 *
 * --alerts: one JSON object a line. Names and order of the fields are a contract: append only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

struct jsonl_sink {
	struct sink sink; /* first */
	FILE *stream;
	int error; /* the first one */
};

static json_t *alert_rule(const struct rule_ref *rule)
{
	return json_pack("{s:o, s:o, s:i, s:o}", "profile", json_text(rule->profile), "file",
			 json_text(rule->file), "line", (int)rule->line, "id", json_text(rule->id));
}

/* Only where it is known. */
static json_t *add_line(json_t *object, const struct chain_link *link)
{
	if (object && words_line(link))
		json_object_set_new(object, "line", json_count(words_line(link)));
	return object;
}

static json_t *alert_chain(const struct chain *chain)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < chain->count; i++) {
		const struct chain_link *link = &chain->links[i];
		json_t *entry = json_pack("{s:s, s:o, s:o}", "kind", words_kind(link->subject->kind),
					  "name", json_text(link->subject->name), "offset",
					  json_count(link->offset));
		add_line(entry, link);
		json_array_append_new(array, entry);
	}
	return array;
}

/* The links of the acting process, innermost first: libc.so.6|libfoo.so|app */
static json_t *alert_stack_summary(const struct chain *chain)
{
	struct text text = {0};
	text_clear(&text);
	for (uint32_t i = 0; i < chain->own_count; i++) {
		text_add(&text, i ? "|" : "");
		text_escape_string(&text, chain->links[i].subject->name, ESCAPE_UTF8);
	}
	return json_take(&text);
}

static json_t *alert_attribution(const struct outcome *outcome)
{
	return json_pack("{s:o, s:s, s:o}", "method", json_text(outcome->method_name), "confidence",
			 words_confidence(outcome), "reason", json_text(outcome->reason));
}

static int set(json_t *alert, const char *key, json_t *value)
{
	return json_object_set_new_nocheck(alert, key, value);
}

static json_t *words_json(void (*words)(struct text *, const struct finding *, enum escape),
			  const struct finding *finding)
{
	struct text text = {0};
	text_clear(&text);
	words(&text, finding, ESCAPE_UTF8);
	return json_take(&text);
}

static json_t *alert_time(const struct item_run *run, uint64_t monotonic_ns)
{
	struct text text = {0};
	text_clear(&text);
	words_time(&text, run, monotonic_ns);
	return json_take(&text);
}

/* What was read before the contact: when, by whom, and on which stack. */
static json_t *alert_secret(const struct item_run *run, const struct secret_read *secret)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "kind",
			 secret->is_variable ? "variable" : "file", "name", json_text(secret->name),
			 "group", json_text(secret->group), "time", alert_time(run, secret->time_ns),
			 "subject", json_subject(secret->reader), "chain",
			 alert_chain(secret->chain), "call_stack_summary",
			 alert_stack_summary(secret->chain), "process",
			 json_process(run, secret->process));
}

/* NULL when out of memory. */
static json_t *alert_of(const struct finding *finding)
{
	const struct outcome *outcome = finding->outcome;
	const struct item_event *event = finding->event;
	const struct item_run *run = model_run(finding->model);
	const struct process *process = model_process(finding->model, event->process);
	json_t *alert = json_object();
	int error = 0;
	error |= set(alert, "v", json_integer(1));
	error |= set(alert, "id", json_text(finding->id));
	error |= set(alert, "fingerprint", json_text(finding->fingerprint));
	error |= set(alert, "message", words_json(words_message, finding));
	error |= set(alert, "expected", words_json(words_expected, finding));
	error |= set(alert, "service", json_bytes(run->service));
	error |= set(alert, "host", json_bytes(run->host));
	error |= set(alert, "uid", json_count(process->uid));
	error |= set(alert, "tid", json_count(event->tid));
	error |= set(alert, "policy_hash", json_text(policy_hash(finding->policy)));
	error |= set(alert, "time", alert_time(run, event->time_ns));
	error |= set(alert, "kind", json_text(finding->kind));
	error |= set(alert, "subject",
		     add_line(json_subject(outcome->charged->subject), outcome->charged));
	error |= set(alert, "action", json_text(words_action(event->action)));
	error |= set(alert, "object", json_object_of(finding));
	error |= set(alert, "result", json_integer(event->result));
	error |= set(alert, "rule", alert_rule(&outcome->rule));
	error |= set(alert, "severity", json_text(words_severity(outcome->severity)));
	error |= set(alert, "chain", alert_chain(finding->chain));
	error |= set(alert, "call_stack_summary", alert_stack_summary(finding->chain));
	error |= set(alert, "process", json_process(run, process));
	error |= set(alert, "vantage", json_text(finding->vantage));
	error |= set(alert, "attribution", alert_attribution(outcome));
	error |= set(alert, "count", json_count(finding->count));
	if (outcome->secret)
		error |= set(alert, "secret", alert_secret(run, outcome->secret));
	if (error) {
		json_decref(alert);
		return NULL;
	}
	return alert;
}

static void jsonl_finding(struct sink *sink, const struct finding *finding)
{
	struct jsonl_sink *self = (struct jsonl_sink *)sink;
	json_t *alert = alert_of(finding);
	int error = json_write_line(self->stream, alert);
	json_decref(alert);
	if (!self->error)
		self->error = error;
}

static void jsonl_flush(struct sink *sink)
{
	struct jsonl_sink *self = (struct jsonl_sink *)sink;
	if (fflush(self->stream) && !self->error)
		self->error = -errno;
}

static int jsonl_close(struct sink *sink)
{
	struct jsonl_sink *self = (struct jsonl_sink *)sink;
	int error = self->error;
	if (fclose(self->stream) && !error)
		error = -errno;
	free(self);
	return error;
}

int sink_jsonl_open(const char *path, struct sink **ret_sink)
{
	struct jsonl_sink *self = calloc(1, sizeof(*self));
	if (!self)
		return -ENOMEM;
	self->stream = json_open(path);
	if (!self->stream) {
		int error = -errno;
		free(self);
		return error;
	}
	self->sink = (struct sink){jsonl_finding, NULL, jsonl_flush, jsonl_close};
	*ret_sink = &self->sink;
	return 0;
}
