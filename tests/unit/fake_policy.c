/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_policy.h"

#include <stdlib.h>
#include <string.h>

uint32_t fake_charged;
const char *fake_accepts, *fake_conduit;

struct policy {
	struct policy_text text;
	struct policy_variable variable;
};

struct policy *fake_policy_new(const char *text)
{
	struct policy *policy = calloc(1, sizeof(*policy));
	policy->text =
		(struct policy_text){strdup("policies/app.yaml"), strdup(text), strlen(text)};
	policy->variable = (struct policy_variable){strdup("TOP"), strdup("/bad")};
	return policy;
}

int policy_load(const char *const *paths, unsigned count, const struct policy_options *options,
		struct policy **ret_policy)
{
	(void)paths, (void)count, (void)options;
	*ret_policy = fake_policy_new("version: 1");
	return 0;
}

int policy_load_texts(const struct policy_text *texts, unsigned count,
		      const struct policy_options *options, struct policy **ret_policy)
{
	*ret_policy = NULL;
	if (!count || strstr(texts[0].text, FAKE_BROKEN) || !options->variable ||
	    !options->variable(options->variable_arg, "TOP"))
		return 1;
	*ret_policy = fake_policy_new(texts[0].text);
	return 0;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	free(policy->text.path);
	free(policy->text.text);
	free(policy->variable.name);
	free(policy->variable.value);
	free(policy);
}

unsigned policy_texts(const struct policy *policy, const struct policy_text **ret_texts)
{
	*ret_texts = &policy->text;
	return 1;
}

unsigned policy_variables(const struct policy *policy, const struct policy_variable **ret_vars)
{
	*ret_vars = &policy->variable;
	return 1;
}

const char *policy_hash(const struct policy *policy)
{
	(void)policy;
	return "00112233445566778899aabbccddeeff";
}

bool policy_is_profiled(const struct policy_binding *binding)
{
	return binding;
}

bool policy_is_conduit(const struct policy_binding *binding)
{
	const struct subject *subject = (const struct subject *)binding;
	return subject && fake_conduit && !strcmp(subject->name, fake_conduit);
}

const char *policy_accepts(const struct policy *policy, const char *hole, uint64_t realtime_ns)
{
	(void)policy, (void)realtime_ns;
	return fake_accepts && !strcmp(hole, fake_accepts) ? "known here" : NULL;
}

unsigned policy_judge(struct policy *policy, struct model *model, const struct item_event *event,
		      struct outcome ret_outcomes[POLICY_OUTCOMES])
{
	const struct chain *chain = model_chain(model, event->chain);
	const struct item_target *target = model_target(model, event->target);
	uint32_t at = fake_charged < chain->count ? fake_charged : chain->count - 1;
	bool is_bad = target && (target->kind == TARGET_PEER ||
				 (target->path.len >= 4 && !memcmp(target->path.data, "/bad", 4)));
	for (uint32_t i = 0; i < chain->count; i++)
		chain->links[i].subject->binding =
			(const struct policy_binding *)chain->links[i].subject;
	ret_outcomes[0] = (struct outcome){
		.kind = is_bad ? OUTCOME_DEVIATES : OUTCOME_ALLOWED,
		.charged = &chain->links[at],
		.judged_by = &chain->links[at],
		.method = at >= chain->seen_count ? METHOD_PARTIAL : METHOD_EXACT,
		.method_name = at >= chain->seen_count ? "partial" : "exact",
		.reason = "the nearest principal",
		.rule = {"app", policy->text.path, 12, ""},
		.severity = SEVERITY_HIGH,
		.expected = "file.read: /srv/**",
		.is_unprofiled = !is_bad,
	};
	return 1;
}

void policy_take_over(struct policy *policy, struct model *model)
{
	(void)policy; /* what it binds belongs to the model */
	(void)model;
}

bool policy_wants_secrets(const struct policy *policy, unsigned action)
{
	(void)policy;
	(void)action;
	return false;
}

int policy_note_secret(struct policy *policy, struct model *model, const struct item_event *event,
		       const struct outcome *outcomes)
{
	(void)policy;
	(void)model;
	(void)event;
	(void)outcomes;
	return 0;
}

bool policy_wants_drops(const struct policy *policy)
{
	(void)policy;
	return false;
}

bool policy_counts_drop(struct policy *policy, struct subject *writer)
{
	(void)policy;
	(void)writer;
	return true;
}
