/* SPDX-License-Identifier: Apache-2.0
 *
 * An explanation for people and as one JSON object. Names and paths belong to the service, reasons
 * and rules to whoever wrote the policy: all are escaped.
 */
#include <errno.h>
#include <string.h>

#include "../sink/json.h"
#include "policy_explain.h"

static const char *const outcome_words[] = {
	[OUTCOME_ALLOWED] = "allowed",
	[OUTCOME_NOT_JUDGED] = "not judged",
	[OUTCOME_DEVIATES] = "deviates",
	[OUTCOME_UNHEARD] = "unknown",
};

static struct finding finding_of(const struct explained *explained)
{
	return (struct finding){
		.model = explained->model,
		.policy = explained->policy,
		.event = explained->event,
		.outcome = &explained->explanation->outcomes[0],
		.kind = "deviation",
		.vantage = model_run(explained->model)->vantage.data,
		.chain = model_chain(explained->model, explained->event->chain),
		.count = 1,
	};
}

/* --- text ---------------------------------------------------------------------------------------
 */

static void say(const struct text *line)
{
	puts(line->data ? line->data : "out of memory");
}

static void add(struct text *line, const char *label, const char *untrusted)
{
	text_add(line, label);
	text_escape_string(line, untrusted ? untrusted : "", ESCAPE_TERMINAL);
}

/* " (profile libz, compression.yaml:8)" */
static void add_place(struct text *line, const struct rule_ref *ref)
{
	if (!ref->profile || !*ref->profile)
		return;
	add(line, " (profile ", ref->profile);
	if (ref->file && *ref->file) {
		add(line, ", ", ref->file);
		text_addf(line, ":%u", ref->line);
	}
	text_add(line, ")");
}

static void say_event(const struct explained *explained)
{
	const struct item_event *event = explained->event;
	const struct process *process = model_process(explained->model, event->process);
	struct finding finding = finding_of(explained);
	struct text line = {0};
	text_clear(&line);
	text_addf(&line, "event %llu: ", (unsigned long long)explained->number);
	words_time(&line, model_run(explained->model), event->time_ns);
	text_addf(&line, " pid %u %s", process ? process->pid : 0, words_action(event->action));
	if (event->result < 0 && event->result > -4096 && strerrorname_np(-event->result))
		add(&line, " = -", strerrorname_np(-event->result));
	else
		text_addf(&line, " = %d", event->result);
	if (event->function)
		add(&line, " in ", model_function(explained->model, event->function));
	for (unsigned i = 0; i < WIRE_VIA_MAX && event->via[i]; i++)
		add(&line, " via ", model_function(explained->model, event->via[i]));
	say(&line);
	if (finding.chain) {
		text_clear(&line);
		text_add(&line, "  ");
		words_message(&line, &finding, ESCAPE_TERMINAL);
		say(&line);
	}
	text_done(&line);
}

static void say_outcome(struct text *line, const struct outcome *outcome)
{
	text_clear(line);
	text_addf(line, "  %s: ", outcome_words[outcome->kind]);
	text_addf(line, "%s ", words_kind(outcome->charged->subject->kind));
	add(line, "", outcome->charged->subject->name);
	if (outcome->judged_by != outcome->charged)
		add(line, ", judged by ", outcome->judged_by->subject->name);
	if (outcome->secret)
		add(line, ", after reading ", outcome->secret->name);
	if (outcome->kind == OUTCOME_DEVIATES) {
		add(line, "; allowed is ", outcome->expected);
		text_addf(line, "; severity %s", words_severity(outcome->severity));
	}
	if (outcome->kind != OUTCOME_NOT_JUDGED)
		add_place(line, &outcome->rule);
	if (outcome->rule.id && *outcome->rule.id)
		add(line, ", rule ", outcome->rule.id);
	add(line, " [", outcome->method_name);
	text_add(line, "]");
	say(line);
}

static void say_verdict(const struct explained *explained)
{
	const struct explanation *explanation = explained->explanation;
	struct text line = {0};
	puts("\nverdict");
	for (unsigned i = 0; i < explanation->outcome_count; i++)
		say_outcome(&line, &explanation->outcomes[i]);
	text_clear(&line);
	add(&line, "  because ", explanation->judgement);
	say(&line);
	if (explained->event->bypass)
		puts("  besides, the call went past the shim: a finding that no profile allows");
	text_done(&line);
}

static void say_chain(const struct explanation *explanation)
{
	struct text line = {0};
	puts("\nwho is charged, innermost first");
	for (uint32_t i = 0; i < explanation->link_count; i++) {
		const struct explain_link *link = &explanation->links[i];
		text_clear(&line);
		text_addf(&line, "  %-11s %s ", link->did, words_kind(link->link->subject->kind));
		add(&line, "", link->link->subject->name);
		if (*link->why)
			add(&line, ": ", link->why);
		add_place(&line, &link->ref);
		if (link->link->starts_thread)
			text_add(&line, "; beyond it is who made the thread");
		if (link->link->starts_process && i + 1 < explanation->link_count)
			text_add(&line, "; beyond it is who started the process");
		say(&line);
	}
	if (!explanation->link_count)
		puts("  nobody is known to have been on the stack");
	text_done(&line);
}

static void say_profiles(const struct explanation *explanation)
{
	struct text line = {0};
	text_clear(&line);
	add(&line, "\nprofiles that match ", explanation->outcomes[0].judged_by->subject->name);
	say(&line);
	for (uint32_t i = 0; i < explanation->profile_count; i++) {
		const struct explain_profile *profile = &explanation->profiles[i];
		text_clear(&line);
		add(&line, profile->answers ? "  asked       " : "  not asked   ",
		    profile->ref.profile);
		add(&line, " by ", profile->match);
		add(&line, ": ", profile->why);
		add(&line, " (", profile->ref.file);
		text_addf(&line, ":%u)", profile->ref.line);
		say(&line);
	}
	if (!explanation->profile_count)
		puts("  none");
	text_done(&line);
}

static void say_rules(const struct explanation *explanation)
{
	struct text line = {0};
	puts("\nrules");
	for (uint32_t i = 0; i < explanation->rule_count; i++) {
		const struct explain_rule *rule = &explanation->rules[i];
		text_clear(&line);
		text_addf(&line, "  %-11s ", rule->result);
		add(&line, "", rule->list);
		add(&line, ": ", rule->text);
		if (*rule->why)
			add(&line, "; ", rule->why);
		add(&line, " (", rule->ref.file);
		text_addf(&line, ":%u)", rule->ref.line);
		say(&line);
	}
	if (explanation->rules_left_out)
		printf("  … and %u more that do not match\n", explanation->rules_left_out);
	else if (!explanation->rule_count)
		puts("  none");
	text_done(&line);
}

static void say_mend(const struct explanation *explanation)
{
	struct text line = {0};
	if (explanation->mend) {
		puts("\nwhat would allow it, on top of the policy (tried out)");
		fputs(explanation->mend, stdout);
	} else if (explanation->mend_problem) {
		text_clear(&line);
		add(&line, "\nnothing to add: ", explanation->mend_problem);
		say(&line);
	}
	text_done(&line);
}

int policy_explain_text(const struct explained *explained)
{
	say_event(explained);
	say_verdict(explained);
	say_chain(explained->explanation);
	say_profiles(explained->explanation);
	say_rules(explained->explanation);
	say_mend(explained->explanation);
	return 0;
}

/* --- JSON ---------------------------------------------------------------------------------------
 */

static json_t *json_rule(const struct rule_ref *ref)
{
	return json_pack("{s:o, s:o, s:i, s:o}", "profile", json_text(ref->profile), "file",
			 json_text(ref->file), "line", (int)ref->line, "id", json_text(ref->id));
}

static json_t *json_event(const struct explained *explained)
{
	const struct item_event *event = explained->event;
	const struct process *process = model_process(explained->model, event->process);
	struct finding finding = finding_of(explained);
	struct text time = {0}, message = {0};
	json_t *via = json_array();
	for (unsigned i = 0; i < WIRE_VIA_MAX && event->via[i]; i++)
		json_array_append_new(via,
				      json_text(model_function(explained->model, event->via[i])));
	text_clear(&time);
	words_time(&time, model_run(explained->model), event->time_ns);
	text_clear(&message);
	if (finding.chain)
		words_message(&message, &finding, ESCAPE_UTF8);
	return json_pack("{s:o, s:o, s:i, s:o, s:s, s:o, s:i, s:o, s:o}", "number",
			 json_count(explained->number), "time", json_take(&time), "pid",
			 process ? (int)process->pid : 0, "message", json_take(&message), "action",
			 words_action(event->action), "object", json_object_of(&finding), "result",
			 (int)event->result, "function",
			 json_text(model_function(explained->model, event->function)), "via", via);
}

static json_t *json_outcomes(const struct explanation *explanation)
{
	json_t *array = json_array();
	for (unsigned i = 0; i < explanation->outcome_count; i++) {
		const struct outcome *outcome = &explanation->outcomes[i];
		json_array_append_new(
			array,
			json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "outcome",
				  outcome_words[outcome->kind], "charged",
				  json_subject(outcome->charged->subject), "judged_by",
				  json_subject(outcome->judged_by->subject), "method",
				  json_text(outcome->method_name), "reason",
				  json_text(outcome->reason), "rule", json_rule(&outcome->rule),
				  "severity", words_severity(outcome->severity), "expected",
				  json_text(outcome->expected), "message",
				  json_text(outcome->message)));
	}
	return array;
}

static json_t *json_links(const struct explanation *explanation)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < explanation->link_count; i++) {
		const struct explain_link *link = &explanation->links[i];
		json_array_append_new(array, json_pack("{s:o, s:s, s:o, s:o}", "subject",
						       json_subject(link->link->subject), "did",
						       link->did, "why", json_text(link->why),
						       "rule", json_rule(&link->ref)));
	}
	return array;
}

static json_t *json_profiles(const struct explanation *explanation)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < explanation->profile_count; i++) {
		const struct explain_profile *profile = &explanation->profiles[i];
		json_array_append_new(
			array, json_pack("{s:o, s:o, s:b, s:o}", "rule", json_rule(&profile->ref),
					 "match", json_text(profile->match), "answers",
					 profile->answers, "why", json_text(profile->why)));
	}
	return array;
}

static json_t *json_rules(const struct explanation *explanation)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < explanation->rule_count; i++) {
		const struct explain_rule *rule = &explanation->rules[i];
		json_array_append_new(array, json_pack("{s:o, s:o, s:o, s:s, s:o}", "rule",
						       json_rule(&rule->ref), "list",
						       json_text(rule->list), "text",
						       json_text(rule->text), "result",
						       rule->result, "why", json_text(rule->why)));
	}
	return array;
}

int policy_explain_json(const struct explained *explained)
{
	const struct explanation *explanation = explained->explanation;
	json_t *whole = json_pack(
		"{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:o}", "v", 1, "event",
		json_event(explained), "outcomes", json_outcomes(explanation), "judgement",
		json_text(explanation->judgement), "chain", json_links(explanation), "profiles",
		json_profiles(explanation), "rules", json_rules(explanation), "rules_left_out",
		(int)explanation->rules_left_out, "mend",
		explanation->mend ? json_text(explanation->mend) : json_null(), "mend_problem",
		json_text(explanation->mend_problem));
	int error = json_write_line(stdout, whole);
	json_decref(whole);
	return error;
}
