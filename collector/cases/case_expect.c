/* SPDX-License-Identifier: Apache-2.0
 *
 * What a case expects: a word, a mapping, or a list of the deviations that must be told and no
 * other.
 */
#include <string.h>

#include "cases_inner.h"

#define EXPECTS_MAX 64u

static const char *const severities[] = {"", "low", "medium", "high", "critical", NULL};

static void read_outcome(struct cases *cases, const struct node *place, const char *text,
			 struct expectation *expect)
{
	static const char *const words[] = {"",		"allowed", "not-judged",
					    "deviates", "unknown", NULL};
	for (unsigned i = 1; words[i]; i++)
		if (!strcmp(words[i], text))
			expect->outcome = (enum outcome_kind)i;
	if (!expect->outcome)
		report_error(&cases->loader->reports, place->place, "unknown outcome \"%s\"%s",
			     report_quote(&cases->pool, text, strlen(text)),
			     report_suggest(&cases->loader->reports, text, words + 1));
}

static void read_severity(struct cases *cases, const struct node *node, enum severity *severity)
{
	int word = case_word(cases, node, "severity", severities);
	*severity = word > 0 ? (enum severity)word : 0;
}

static void refuse(struct cases *cases, const struct node *node, const char *key, const char *why)
{
	if (case_get(node, key))
		report_error(&cases->loader->reports, case_get(node, key)->place, "\"%s\" %s", key,
			     why);
}

/* One outcome of an event. in_list: it deviates, as all in a list do. */
static void read_one(struct cases *cases, const struct node *node, bool in_list,
		     struct expectation *expect)
{
	*expect = (struct expectation){.charged = "",
				       .judged_by = "",
				       .profile = "",
				       .rule = "",
				       .method = "",
				       .message = ""};
	if (in_list)
		expect->outcome = OUTCOME_DEVIATES;
	if (node->is_broken)
		return;
	if (node->kind == NODE_SCALAR && !in_list) {
		read_outcome(cases, node, node->text, expect);
		return;
	}
	if (!case_check_keys(cases, node, IN_EXPECT))
		return;
	refuse(cases, node, "verdict", "is of a log");
	refuse(cases, node, "alerts", "is of a log");
	const struct node *outcome = case_get(node, "outcome");
	if (outcome)
		read_outcome(cases, outcome, case_text(cases, node, "outcome"), expect);
	else if (!in_list)
		report_error(&cases->loader->reports, node->place, "\"expect\" needs an outcome");
	expect->charged = case_text(cases, node, "charged");
	expect->judged_by = case_text(cases, node, "judged-by");
	expect->profile = case_text(cases, node, "profile");
	expect->rule = case_text(cases, node, "rule");
	expect->method = case_text(cases, node, "method");
	expect->message = case_text(cases, node, "message");
	read_severity(cases, node, &expect->severity);
	if (in_list && expect->outcome != OUTCOME_DEVIATES)
		report_error(&cases->loader->reports, node->place,
			     "a list of expectations holds deviations only");
}

void case_read_alerts(struct cases *cases, struct node *node, struct test_case *test)
{
	test->has_alerts = true;
	if (node->kind != NODE_LIST || node->count > 10000) {
		report_error(&cases->loader->reports, node->place, "\"alerts\" must be a list");
		return;
	}
	test->alerts = pool_alloc(&cases->pool, (node->count + 1) * sizeof(*test->alerts));
	for (struct node *item = node->first; item; item = item->next) {
		struct expected_alert *alert = &test->alerts[test->alert_count];
		if (!case_check_keys(cases, item, IN_ALERT))
			continue;
		test->alert_count++;
		alert->line = item->place.line;
		alert->subject = case_text(cases, item, "subject");
		alert->action = case_text(cases, item, "action");
		alert->object = case_text(cases, item, "object");
		alert->profile = case_text(cases, item, "profile");
		alert->rule = case_text(cases, item, "rule");
		alert->kind = case_text(cases, item, "kind");
		alert->method = case_text(cases, item, "method");
		read_severity(cases, item, &alert->severity);
		alert->count = (int64_t)case_number(cases, item, "count", INT64_MAX, (uint64_t)-1);
	}
}

static void read_log(struct cases *cases, struct node *node, struct test_case *test)
{
	static const char *const verdicts[] = {"clean", "deviates", "unknown", NULL};
	static const char *const others[] = {"outcome", "charged",  "judged-by", "profile",
					     "rule",	"severity", "method",	 "message"};
	if (!case_check_keys(cases, node, IN_EXPECT))
		return;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		refuse(cases, node, others[i], "is of an event: a log has verdict and alerts");
	int verdict = case_word(cases, node, "verdict", verdicts);
	test->verdict = verdict < 0 ? "" : verdicts[verdict];
	if (case_get(node, "alerts"))
		case_read_alerts(cases, case_get(node, "alerts"), test);
	else if (!case_get(node, "verdict"))
		report_error(&cases->loader->reports, node->place,
			     "a log needs a verdict or alerts");
}

void case_read_expect(struct cases *cases, struct node *node, struct test_case *test)
{
	test->is_list = node->kind == NODE_LIST;
	if (test->log) {
		read_log(cases, node, test);
		return;
	}
	uint32_t count = test->is_list ? node->count : 1;
	if (!count || count > EXPECTS_MAX) {
		report_error(&cases->loader->reports, node->place, "from 1 to %u expectations",
			     EXPECTS_MAX);
		return;
	}
	test->expects = pool_alloc(&cases->pool, count * sizeof(*test->expects));
	for (struct node *item = test->is_list ? node->first : node; test->expect_count < count;
	     item = test->is_list ? item->next : NULL)
		read_one(cases, item, test->is_list, &test->expects[test->expect_count++]);
}
