/* SPDX-License-Identifier: Apache-2.0
 *
 * One event of a case judged, and held against what was expected.
 */
#include <stdlib.h>
#include <string.h>

#include "../policy/explain.h"
#include "cases_inner.h"

static const char *const kind_words[] = {"subject", "library", "executable",
					 "python",  "script",  "code"};
static const char *const severity_words[] = {"none", "low", "medium", "high", "critical"};
static const char *const outcome_words[] = {"", "allowed", "not-judged", "deviates", "unknown", ""};

/* --- who is meant -----------------------------------------------------------------------------
 */

static struct subject *find_subject(struct model *model, const struct case_subject *wanted)
{
	for (uint32_t id = 1; id <= model_subjects(model); id++) {
		struct subject *subject = model_subject(model, id);
		if (subject->kind == wanted->kind && !strcmp(subject->path, wanted->path) &&
		    !strcmp(subject->package, wanted->package) &&
		    !strcmp(subject->build_id, wanted->build_id))
			return subject;
	}
	return NULL;
}

static bool has_name(const char *const *names, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* What is wrong with the case when a subject is not answered for as it says; NULL: nothing. A case
 * about a name that no profile matches would pass whatever the policy says. */
static const char *check_subject(struct cases *cases, struct policy *policy, struct model *model,
				 const struct case_subject *wanted)
{
	const char *names[CASE_PROFILES_MAX] = {0};
	struct subject *subject = find_subject(model, wanted);
	const char *kind = kind_words[wanted->kind],
		   *quoted = report_quote(&cases->pool, wanted->text, strlen(wanted->text));
	if (!subject)
		return pool_print(&cases->pool, "%s \"%s\" is on no chain", kind, quoted);
	unsigned count = policy_profiles_of(policy, subject, names, CASE_PROFILES_MAX);
	if (!strcmp(wanted->profile, "none"))
		return count ? pool_print(&cases->pool,
					  "profile \"%s\" matches %s \"%s\", which is to have none",
					  names[0], kind, quoted)
			     : NULL;
	if (!count)
		return pool_print(&cases->pool,
				  "no profile matches %s \"%s\"; where that is meant, write "
				  "{%s: ..., profile: none}",
				  kind, quoted, kind);
	if (*wanted->profile && !has_name(names, count, wanted->profile))
		return pool_print(&cases->pool, "profile \"%s\" answers for %s \"%s\", not \"%s\"",
				  names[0], kind, quoted, wanted->profile);
	return NULL;
}

static const char *check_chain(struct cases *cases, struct policy *policy, struct model *model,
			       const struct case_chain *chain)
{
	const char *problem = NULL;
	for (uint32_t i = 0; !problem && i < chain->count; i++)
		problem = check_subject(cases, policy, model, &chain->subjects[i]);
	return problem;
}

static bool chain_has(const struct chain *chain, const char *name)
{
	for (uint32_t i = 0; i < chain->count; i++)
		if (!strcmp(chain->links[i].subject->name, name))
			return true;
	return false;
}

static const char *check_names(struct cases *cases, const struct chain *chain,
			       const struct expectation *expect)
{
	const char *name = expect->charged;
	if (!*name || chain_has(chain, name))
		name = expect->judged_by;
	if (!*name || chain_has(chain, name))
		return NULL;
	return pool_print(&cases->pool, "\"%s\" is not on the chain",
			  report_quote(&cases->pool, name, strlen(name)));
}

static const char *check_case(struct cases *cases, const struct test_case *test,
			      struct policy *policy, const struct case_made *made)
{
	const struct chain *chain = model_chain(made->model, made->event.chain);
	const char *problem = check_chain(cases, policy, made->model, &test->chain);
	if (!problem)
		problem = check_chain(cases, policy, made->model, &test->thread);
	for (uint32_t i = 0; !problem && i < test->starter_count; i++)
		problem = check_chain(cases, policy, made->model, &test->starters[i]);
	for (uint32_t i = 0; !problem && i < test->expect_count; i++)
		problem = check_names(cases, chain, &test->expects[i]);
	return problem;
}

/* --- what came of it ----------------------------------------------------------------------------
 */

/* ID, or FILE:LINE where FILE is the end of the path. */
bool case_rule_is(const struct rule_ref *rule, const char *wanted)
{
	const char *colon = strrchr(wanted, ':');
	char *end = NULL;
	if (!strcmp(rule->id, wanted))
		return true;
	unsigned long line = colon ? strtoul(colon + 1, &end, 10) : 0;
	size_t len = colon ? (size_t)(colon - wanted) : 0, room = strlen(rule->file);
	return line && !*end && line == rule->line && len && len <= room &&
	       !strncmp(rule->file + room - len, wanted, len) &&
	       (len == room || rule->file[room - len - 1] == '/');
}

/* The first thing that is otherwise; NULL: as expected. */
static const char *compare(struct cases *cases, const struct outcome *outcome,
			   const struct expectation *expect)
{
	struct pool *pool = &cases->pool;
	if (outcome->kind != expect->outcome)
		return pool_print(pool, "it is %s", outcome_words[outcome->kind]);
	if (*expect->charged && strcmp(expect->charged, outcome->charged->subject->name))
		return pool_print(pool, "\"%s\" is charged", outcome->charged->subject->name);
	if (*expect->judged_by && strcmp(expect->judged_by, outcome->judged_by->subject->name))
		return pool_print(pool, "\"%s\" is judged by", outcome->judged_by->subject->name);
	if (*expect->profile && strcmp(expect->profile, outcome->rule.profile ?: ""))
		return pool_print(pool, "profile \"%s\" decides",
				  outcome->rule.profile ?: "no one's");
	if (*expect->rule && !case_rule_is(&outcome->rule, expect->rule))
		return pool_print(pool, "the rule is %s:%u%s%s", outcome->rule.file ?: "",
				  outcome->rule.line, *outcome->rule.id ? ", id " : "",
				  outcome->rule.id);
	if (expect->severity && expect->severity != outcome->severity)
		return pool_print(pool, "the severity is %s", severity_words[outcome->severity]);
	if (*expect->method && strcmp(expect->method, outcome->method_name))
		return pool_print(pool, "the method is %s", outcome->method_name);
	if (*expect->message && strcmp(expect->message, outcome->message ?: ""))
		return pool_print(pool, "the message is \"%s\"", outcome->message ?: "");
	return NULL;
}

static const char *describe_one(struct cases *cases, const struct outcome *outcome)
{
	const struct rule_ref *rule = &outcome->rule;
	const struct subject *charged = outcome->charged->subject;
	const char *by = "", *where = "";
	if (outcome->judged_by != outcome->charged)
		by = pool_print(&cases->pool, " (judged by %s)", outcome->judged_by->subject->name);
	if (rule->profile && *rule->profile && outcome->kind != OUTCOME_NOT_JUDGED)
		where = pool_print(
			&cases->pool, "; %s%s%s at %s:%u%s%s%s",
			!strcmp(rule->profile, "guards") ? "" : "profile ", rule->profile,
			*rule->id ? pool_print(&cases->pool, ", rule %s", rule->id) : "",
			rule->file, rule->line,
			outcome->kind == OUTCOME_DEVIATES && outcome->expected ? ", " : "",
			outcome->kind == OUTCOME_DEVIATES && outcome->expected ? outcome->expected
									       : "",
			outcome->kind == OUTCOME_DEVIATES
				? pool_print(&cases->pool, "; %s",
					     severity_words[outcome->severity])
				: "");
	return pool_print(&cases->pool, "%s: %s %s%s%s [%s]", outcome_words[outcome->kind],
			  kind_words[charged->kind], charged->name, by, where,
			  outcome->method_name);
}

static const char *describe(struct cases *cases, const struct outcome *outcomes, unsigned count)
{
	const char *text = describe_one(cases, &outcomes[0]);
	for (unsigned i = 1; i < count; i++)
		text = pool_print(&cases->pool, "%s\n%s", text, describe_one(cases, &outcomes[i]));
	return text;
}

static const char *phrase(struct cases *cases, const struct expectation *expect)
{
	const struct {
		const char *word, *text;
	} parts[] = {
		{"charged", expect->charged},
		{"judged by", expect->judged_by},
		{"profile", expect->profile},
		{"rule", expect->rule},
		{"severity", expect->severity ? severity_words[expect->severity] : ""},
		{"method", expect->method},
		{"message", expect->message},
	};
	const char *text = outcome_words[expect->outcome];
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (*parts[i].text)
			text = pool_print(&cases->pool, "%s, %s %s", text, parts[i].word,
					  parts[i].text);
	return text;
}

static const char *phrase_all(struct cases *cases, const struct test_case *test)
{
	const char *text = phrase(cases, &test->expects[0]);
	for (uint32_t i = 1; i < test->expect_count; i++)
		text = pool_print(&cases->pool, "%s\n%s", text, phrase(cases, &test->expects[i]));
	return text;
}

/* --- held against each other --------------------------------------------------------------------
 */

/* One expectation: the charged subject's outcome; or, where it is to deviate, any deviation. */
static const char *compare_one(struct cases *cases, const struct expectation *expect,
			       const struct outcome *outcomes, unsigned count)
{
	const char *problem = NULL;
	bool has_deviation = false;
	for (unsigned i = 0; i < count; i++) {
		if (outcomes[i].kind != OUTCOME_DEVIATES)
			continue;
		has_deviation = true;
		const char *wrong = compare(cases, &outcomes[i], expect);
		if (!wrong)
			return NULL;
		problem = problem ? problem : wrong;
	}
	if (expect->outcome != OUTCOME_DEVIATES && !has_deviation)
		return compare(cases, &outcomes[0], expect);
	return problem ? problem : compare(cases, &outcomes[0], expect);
}

/* Every expectation from `at` on has a deviation of its own. At most POLICY_OUTCOMES deep. */
static bool assign(struct cases *cases, const struct test_case *test, uint32_t at,
		   const struct outcome *const *deviations, unsigned count, unsigned taken)
{
	if (at == test->expect_count)
		return true;
	for (unsigned i = 0; i < count; i++)
		if (!(taken >> i & 1) && !compare(cases, deviations[i], &test->expects[at]) &&
		    assign(cases, test, at + 1, deviations, count, taken | 1u << i))
			return true;
	return false;
}

static const char *compare_list(struct cases *cases, const struct test_case *test,
				const struct outcome *outcomes, unsigned count)
{
	const struct outcome *deviations[POLICY_OUTCOMES];
	unsigned found = 0;
	for (unsigned i = 0; i < count; i++)
		if (outcomes[i].kind == OUTCOME_DEVIATES)
			deviations[found++] = &outcomes[i];
	if (found != test->expect_count)
		return pool_print(&cases->pool, "%u deviations expected, %u found",
				  test->expect_count, found);
	if (!assign(cases, test, 0, deviations, found, 0))
		return "the deviations are others";
	return NULL;
}

static void add_profiles(struct policy *policy, const struct subject *subject,
			 struct case_result *result)
{
	const char *names[CASE_PROFILES_MAX];
	unsigned count = policy_profiles_of(policy, subject, names, CASE_PROFILES_MAX);
	for (unsigned i = 0; i < count && result->profile_count < CASE_PROFILES_MAX; i++)
		if (!has_name(result->profiles, result->profile_count, names[i]))
			result->profiles[result->profile_count++] = names[i];
}

/* A deviation speaks for the profiles of those it is charged to, and of the conduits that handed it
 * on; all else for those it went through, too. */
static void note_profiles(struct policy *policy, const struct chain *chain,
			  const struct outcome *outcomes, unsigned count,
			  struct case_result *result)
{
	for (unsigned i = 0; i < count; i++)
		result->is_flag |= outcomes[i].kind == OUTCOME_DEVIATES;
	for (unsigned i = 0; i < count; i++) {
		if (result->is_flag && outcomes[i].kind != OUTCOME_DEVIATES)
			continue;
		add_profiles(policy, outcomes[i].charged->subject, result);
		add_profiles(policy, outcomes[i].judged_by->subject, result);
	}
	for (uint32_t i = 0; i < chain->count && &chain->links[i] != outcomes[0].charged; i++)
		if (!result->is_flag ||
		    policy_is_conduit(policy_bind(policy, chain->links[i].subject)))
			add_profiles(policy, chain->links[i].subject, result);
}

static void judge(struct cases *cases, const struct test_case *test, const struct case_made *made,
		  struct policy *policy, struct case_result *result)
{
	struct outcome outcomes[POLICY_OUTCOMES];
	const struct chain *chain = model_chain(made->model, made->event.chain);
	/* First of all: from now on the policy answers about this model's subjects. */
	for (uint32_t i = 0; i < test->secret_count; i++) {
		policy_judge(policy, made->model, &made->before[i], outcomes);
		if (policy_note_secret(policy, made->model, &made->before[i], outcomes))
			longjmp(cases->escape, 1);
	}
	unsigned count = policy_judge(policy, made->model, &made->event, outcomes);
	result->problem = check_case(cases, test, policy, made);
	if (result->problem)
		return;
	note_profiles(policy, chain, outcomes, count, result);
	result->actual = describe(cases, outcomes, count);
	result->expected = phrase_all(cases, test);
	result->problem = test->is_list ? compare_list(cases, test, outcomes, count)
					: compare_one(cases, &test->expects[0], outcomes, count);
	result->verdict = result->problem ? CASE_FAILED : CASE_PASSED;
}

void case_judge(struct cases *cases, const struct test_case *test, uint32_t at,
		struct policy *policy, struct case_result *ret_result)
{
	struct case_made made = {0};
	*ret_result = (struct case_result){.test = test,
					   .verdict = CASE_BROKEN,
					   .object = test->objects[at].text,
					   .expected = "",
					   .actual = "",
					   .problem = "out of memory"};
	struct model *volatile model = NULL;
	if (setjmp(cases->escape)) {
		model_free(model);
		return;
	}
	bool is_made = case_build(cases, test, at, &made, &ret_result->problem);
	model = made.model;
	if (is_made)
		judge(cases, test, &made, policy, ret_result);
	model_free(made.model);
}
