/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy inside a log: written by the live run, loaded again by a replay that was given none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline_inner.h"

static char *copy_of(struct str string)
{
	char *copy = malloc((size_t)string.len + 1);
	if (!copy)
		return NULL;
	if (string.len)
		memcpy(copy, string.data, string.len);
	copy[string.len] = 0;
	return copy;
}

/* An entry with neither path nor text stands between two layers; with a text (the policy's hash) it
 * says that what follows replaces what stands before. */
static bool is_mark(const struct item_policy *item)
{
	return !item->path.len && item->text.len;
}

/* Is the item's policy of no interest: another one was given, or one judges already? */
static bool is_ignored(const struct pipeline *pipeline)
{
	return pipeline->options.policy || (pipeline->policy && !pipeline->is_renewing);
}

static void stored_forget(struct pipeline *pipeline)
{
	for (unsigned i = 0; i < pipeline->text_count; i++) {
		free(pipeline->texts[i].path);
		free(pipeline->texts[i].text);
	}
	for (unsigned i = 0; i < pipeline->variable_count; i++) {
		free(pipeline->variables[i].name);
		free(pipeline->variables[i].value);
	}
	pipeline->text_count = pipeline->variable_count = 0;
}

/* The live run changed over at every mark, even when nothing happened between two of them. */
static int stored_renew(struct pipeline *pipeline)
{
	bool is_waiting = !pipeline->policy || pipeline->is_renewing;
	int error = 0;
	if (!pipeline->has_run || pipeline->options.policy)
		return 0;
	if (is_waiting)
		error = stored_load(pipeline);
	stored_forget(pipeline);
	pipeline->is_renewing = !error;
	return error;
}

int stored_add_text(struct pipeline *pipeline, const struct item_policy *item)
{
	if (is_mark(item))
		return stored_renew(pipeline);
	if (is_ignored(pipeline))
		return 0;
	struct policy_text *texts =
		realloc(pipeline->texts, (pipeline->text_count + 1) * sizeof(*texts));
	if (!texts)
		return -ENOMEM;
	pipeline->texts = texts;
	struct policy_text text = {copy_of(item->path), copy_of(item->text), item->text.len};
	if (!text.path || !text.text) {
		free(text.path);
		free(text.text);
		return -ENOMEM;
	}
	texts[pipeline->text_count++] = text;
	return 0;
}

int stored_add_variable(struct pipeline *pipeline, const struct item_variable *item)
{
	if (is_ignored(pipeline))
		return 0;
	struct policy_variable *variables =
		realloc(pipeline->variables, (pipeline->variable_count + 1) * sizeof(*variables));
	if (!variables)
		return -ENOMEM;
	pipeline->variables = variables;
	struct policy_variable variable = {copy_of(item->name), copy_of(item->value)};
	if (!variable.name || !variable.value) {
		free(variable.name);
		free(variable.value);
		return -ENOMEM;
	}
	variables[pipeline->variable_count++] = variable;
	return 0;
}

static const char *stored_variable(void *arg, const char *name)
{
	const struct pipeline *pipeline = arg;
	for (unsigned i = 0; i < pipeline->variable_count; i++)
		if (!strcmp(pipeline->variables[i].name, name))
			return pipeline->variables[i].value;
	return NULL;
}

int stored_load(struct pipeline *pipeline)
{
	struct policy_options options = {.variable = stored_variable,
					 .variable_arg = pipeline,
					 .errors = pipeline->options.errors};
	struct policy *old = pipeline->stored, *policy;
	if (policy_load_texts(pipeline->texts, pipeline->text_count, &options, &policy))
		return -ENOEXEC;
	pipeline->stored = policy;
	pipeline->is_renewing = false;
	if (old)
		policy_swap(pipeline, policy);
	else
		pipeline->policy = policy;
	policy_free(old);
	return 0;
}

void policy_swap(struct pipeline *pipeline, struct policy *policy)
{
	fold_restart(pipeline->fold);
	policy_take_over(policy, pipeline->model);
	if (pipeline->options.policy)
		pipeline->options.policy = policy;
	pipeline->policy = policy;
}

void stored_done(struct pipeline *pipeline)
{
	policy_free(pipeline->stored);
	stored_forget(pipeline);
	free(pipeline->texts);
	free(pipeline->variables);
}

static struct str str_of(const char *string)
{
	return (struct str){string, (uint32_t)strlen(string)};
}

int policy_append_mark(const struct policy *policy, struct log_writer *log)
{
	struct item item = {.type = ITEM_POLICY};
	item.policy.path = str_of("");
	item.policy.text = str_of(policy_hash(policy));
	return log_append(log, &item);
}

int policy_append(const struct policy *policy, struct log_writer *log)
{
	const struct policy_text *texts;
	const struct policy_variable *variables;
	unsigned text_count = policy_texts(policy, &texts);
	unsigned variable_count = policy_variables(policy, &variables);
	int error = 0;
	for (unsigned i = 0; i < text_count && !error; i++) {
		struct item item = {.type = ITEM_POLICY};
		item.policy.path = str_of(texts[i].path);
		item.policy.text = (struct str){texts[i].text, (uint32_t)texts[i].len};
		error = log_append(log, &item);
	}
	for (unsigned i = 0; i < variable_count && !error; i++) {
		struct item item = {.type = ITEM_VARIABLE};
		item.variable.name = str_of(variables[i].name);
		item.variable.value = str_of(variables[i].value);
		error = log_append(log, &item);
	}
	return error;
}
