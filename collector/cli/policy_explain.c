/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch policy explain LOG EVENT: finds the event and has it explained at the very place in the
 * log where it was judged, with the names and processes that were known then.
 */
#include "policy_explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../source/source.h"

#define TEXTS_MAX 20000u

struct hunt {
	const char *log, *wanted, *format;
	uint64_t number;	 /* 0: by id or fingerprint */
	struct item_event event; /* of the finding */
	bool is_found;
	struct policy *policy; /* NULL: the one in the log */
	struct policy_text *texts;
	unsigned text_count;
	struct policy_variable *variables;
	unsigned variable_count;
};

/* --- an alert's id or fingerprint --------------------------------------------------------------
 */

struct spy {
	struct sink sink; /* first */
	struct hunt *hunt;
};

static void spy_finding(struct sink *sink, const struct finding *finding)
{
	struct hunt *hunt = ((struct spy *)sink)->hunt;
	if (hunt->is_found ||
	    (strcmp(finding->id, hunt->wanted) && strcmp(finding->fingerprint, hunt->wanted)))
		return;
	hunt->is_found = true;
	hunt->event = *finding->event;
}

static int spy_close(struct sink *sink)
{
	(void)sink;
	return 0;
}

static int open_log(const char *path, struct source **source)
{
	char error[512] = "";
	int opened = source_log_open(path, source, error, sizeof(error));
	if (!opened)
		return 0;
	cli_error("%s", *error ? error : strerror(-opened));
	return opened == -ENOENT || opened == -EACCES || opened == -EISDIR ? CLI_USAGE
									   : CLI_DAMAGED;
}

/* 0 or an exit status; hunt->event is the one that the alert told of. */
static int find_alert(struct hunt *hunt)
{
	struct spy spy = {.sink = {.finding = spy_finding, .close = spy_close}, .hunt = hunt};
	struct sink *sinks[] = {&spy.sink};
	struct pipeline_options options = {
		.policy = hunt->policy, .sinks = sinks, .sink_count = 1, .errors = stderr};
	struct source *source;
	struct item item;
	int status = open_log(hunt->log, &source), result = 0;
	if (status)
		return status;
	struct pipeline *pipeline = pipeline_new(&options);
	while (pipeline && !hunt->is_found && result != -ENOMEM && result != -ENOEXEC &&
	       source_next(source, &item) == 1)
		result = pipeline_run_item(pipeline, &item);
	if (pipeline && !hunt->is_found && result != -ENOEXEC)
		pipeline_finish(pipeline); /* the last lines come at the end */
	pipeline_free(pipeline);
	source_close(source);
	if (hunt->is_found)
		return 0;
	if (result != -ENOEXEC)
		cli_error("no alert of %s has the id or fingerprint %s%s", hunt->log, hunt->wanted,
			  hunt->policy ? " under this policy" : "");
	return CLI_USAGE;
}

/* --- the policy in the log ----------------------------------------------------------------------
 */

static char *copy_of(struct str text)
{
	char *copy = malloc((size_t)text.len + 1);
	if (copy && text.len)
		memcpy(copy, text.data, text.len);
	if (copy)
		copy[text.len] = 0;
	return copy;
}

static int keep_policy(struct hunt *hunt, const struct item *item)
{
	bool is_text = item->type == ITEM_POLICY;
	unsigned count = is_text ? hunt->text_count : hunt->variable_count;
	size_t bytes = is_text ? sizeof(*hunt->texts) : sizeof(*hunt->variables);
	void *array = is_text ? (void *)hunt->texts : (void *)hunt->variables;
	void *grown = count < TEXTS_MAX ? realloc(array, (count + 1) * bytes) : NULL;
	if (!grown)
		return -ENOMEM;
	if (is_text) {
		hunt->texts = grown;
		hunt->texts[hunt->text_count++] =
			(struct policy_text){copy_of(item->policy.path), copy_of(item->policy.text),
					     item->policy.text.len};
		return 0;
	}
	hunt->variables = grown;
	hunt->variables[hunt->variable_count++] = (struct policy_variable){
		copy_of(item->variable.name), copy_of(item->variable.value)};
	return 0;
}

static const char *kept_variable(void *arg, const char *name)
{
	const struct hunt *hunt = arg;
	for (unsigned i = 0; i < hunt->variable_count; i++)
		if (hunt->variables[i].name && !strcmp(hunt->variables[i].name, name))
			return hunt->variables[i].value;
	return NULL;
}

static int load_kept(struct hunt *hunt)
{
	struct policy_options options = {
		.variable = kept_variable, .variable_arg = hunt, .errors = stderr};
	for (unsigned i = 0; i < hunt->text_count; i++)
		if (!hunt->texts[i].path || !hunt->texts[i].text)
			return CLI_USAGE;
	if (!hunt->text_count)
		cli_error("no policy is stored in %s: name one with -p", hunt->log);
	return hunt->text_count && !policy_load_texts(hunt->texts, hunt->text_count, &options,
						      &hunt->policy)
		       ? 0
		       : CLI_USAGE;
}

static void hunt_done(struct hunt *hunt)
{
	for (unsigned i = 0; i < hunt->text_count; i++) {
		free(hunt->texts[i].path);
		free(hunt->texts[i].text);
	}
	for (unsigned i = 0; i < hunt->variable_count; i++) {
		free(hunt->variables[i].name);
		free(hunt->variables[i].value);
	}
	free(hunt->texts);
	free(hunt->variables);
	policy_free(hunt->policy);
}

/* --- the event ----------------------------------------------------------------------------------
 */

static bool is_event(const struct hunt *hunt, const struct item_event *event, uint64_t number)
{
	if (hunt->number)
		return number == hunt->number;
	return event->time_ns == hunt->event.time_ns && event->process == hunt->event.process &&
	       event->tid == hunt->event.tid && event->chain == hunt->event.chain &&
	       event->target == hunt->event.target && event->action == hunt->event.action &&
	       event->result == hunt->event.result && event->function == hunt->event.function;
}

static int explain(struct hunt *hunt, struct model *model, const struct item_event *event,
		   uint64_t number)
{
	struct explanation *explanation;
	int status = hunt->policy ? 0 : load_kept(hunt);
	if (status)
		return status;
	int error = policy_explain(hunt->policy, model, event, &explanation);
	if (!error) {
		struct explained explained = {explanation, hunt->policy, model, event, number};
		error = strcmp(hunt->format, "json") ? policy_explain_text(&explained)
						     : policy_explain_json(&explained);
		explanation_free(explanation);
	}
	if (error) {
		cli_error("%s", strerror(-error));
		return CLI_USAGE;
	}
	return cli_policy_flush();
}

/* What was read and who was contacted before: verdicts may depend on it. 0 or an exit status. */
static int keep_in_mind(struct hunt *hunt, struct model *model, const struct item_event *event)
{
	struct outcome outcomes[POLICY_OUTCOMES];
	int status = hunt->policy ? 0 : load_kept(hunt);
	if (status)
		return status;
	if (!policy_wants_secrets(hunt->policy, event->action))
		return 0;
	policy_judge(hunt->policy, model, event, outcomes);
	if (!policy_note_secret(hunt->policy, model, event, outcomes))
		return 0;
	cli_error("%s", strerror(ENOMEM));
	return CLI_USAGE;
}

/* 0: go on; 1: done, *ret_status is the exit status. */
static int take_item(struct hunt *hunt, struct model *model, const struct item *item,
		     uint64_t *number, int *ret_status)
{
	bool is_kept = item->type == ITEM_POLICY || item->type == ITEM_VARIABLE;
	*number += item->type == ITEM_EVENT;
	if (is_kept && !hunt->policy && keep_policy(hunt, item)) {
		cli_error("%s", strerror(ENOMEM));
		*ret_status = CLI_USAGE;
		return 1;
	}
	if (model_ingest(model, item)) {
		if (item->type != ITEM_EVENT || hunt->number != *number)
			return 0;
		cli_error("event %llu of %s is not valid and was not judged",
			  (unsigned long long)*number, hunt->log);
		*ret_status = CLI_DAMAGED;
		return 1;
	}
	if (item->type != ITEM_EVENT)
		return 0;
	if (!is_event(hunt, &item->event, *number)) {
		*ret_status = keep_in_mind(hunt, model, &item->event);
		return *ret_status != 0;
	}
	*ret_status = explain(hunt, model, &item->event, *number);
	return 1;
}

static int find_event(struct hunt *hunt)
{
	struct source *source;
	struct item item;
	uint64_t number = 0;
	int status = open_log(hunt->log, &source), next = 0;
	bool is_done = false;
	if (status)
		return status;
	struct model *model = model_new();
	while (model && !is_done && (next = source_next(source, &item)) == 1)
		is_done = take_item(hunt, model, &item, &number, &status);
	if (!is_done) {
		status = !model || next == -ENODATA ? CLI_USAGE : CLI_DAMAGED;
		if (status == CLI_DAMAGED)
			cli_error("%s", source_error(source));
		else
			cli_error("%s has %llu events, %s is not among them", hunt->log,
				  (unsigned long long)number, hunt->wanted);
	}
	model_free(model);
	source_close(source);
	return status;
}

static int start_hunt(struct hunt *hunt)
{
	size_t len = strlen(hunt->wanted);
	const char *digits = hunt->wanted + (*hunt->wanted == '#');
	bool is_number = *digits && len < 19 && strspn(digits, "0123456789") == strlen(digits);
	if (is_number)
		hunt->number = strtoull(digits, NULL, 10);
	if (!hunt->number && (len != 32 || strspn(hunt->wanted, "0123456789abcdef") != len)) {
		cli_error("\"%s\" is neither the number of an event, from 1, nor the id or "
			  "fingerprint of an alert",
			  hunt->wanted);
		return CLI_USAGE;
	}
	int status = hunt->number ? 0 : find_alert(hunt);
	return status ? status : find_event(hunt);
}

int cli_policy_explain(int argc, char **argv)
{
	static const struct cli_usage usage = {
		.verb = "policy explain",
		.operands = "LOG EVENT",
		.about =
			"Says why an event was judged as it was: who was charged and who was "
			"passed over, which profiles and rules were asked, and what would have to "
			"be added to allow it. EVENT is a number as `sowatch log show` prints it, "
			"or the id or fingerprint of an alert. Without -p: by the policy stored in "
			"the log."};
	struct cli_list policies = {0};
	struct hunt hunt = {.format = "text"};
	const struct cli_option options[] = {
		{"policy", 'p', CLI_LIST, "POLICY",
		 "policy file or directory, repeatable, later ones win", &policies},
		{"format", 0, CLI_CHOICE, "text|json", "how to say it", &hunt.format},
		{0}};
	int first = 0, parsed = cli_parse(&usage, options, argc, argv, &first);
	int status = parsed > 0 ? CLI_OK : CLI_USAGE;
	if (!parsed && argc - first != 2) {
		cli_error("policy explain: one LOG and one EVENT");
	} else if (!parsed) {
		hunt.log = argv[first];
		hunt.wanted = argv[first + 1];
		if (policies.count)
			hunt.policy = cli_policy_load(policies.items, policies.count);
		if (hunt.policy || !policies.count)
			status = start_hunt(&hunt);
	}
	hunt_done(&hunt);
	cli_list_done(&policies);
	return status;
}
