/* SPDX-License-Identifier: Apache-2.0
 *
 * A recorded log as a case: the replay's pipeline, its alerts and verdict held against the
 * expected ones.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "../sink/words.h"
#include "../source/source.h"
#include "policy_test.h"

#define ALERTS_MAX 10000u

/* Lines of one fingerprint are one alert here. */
struct seen {
	char fingerprint[33];
	const char *subject, *action, *object, *kind, *method;
	struct rule_ref rule;
	enum severity severity;
	uint64_t count;
	const char *text;
	bool is_expected;
};

struct catcher {
	struct sink sink; /* first */
	struct cases *cases;
	struct seen *seen;
	uint32_t count;
	bool is_full;
};

static const char *copy(struct catcher *catcher, const char *text)
{
	return pool_copy(&catcher->cases->pool, text ? text : "", strlen(text ? text : ""));
}

static const char *copy_str(struct catcher *catcher, struct str text)
{
	return pool_copy(&catcher->cases->pool, text.data ? text.data : "", text.len);
}

/* As one word: the path, both paths, the program, ADDRESS:PORT, the name. */
static const char *object_word(struct catcher *catcher, const struct finding *finding)
{
	const struct item_target *target = model_target(finding->model, finding->event->target);
	struct text address = {0};
	const char *word;
	if (!target)
		return "";
	if (target->kind == TARGET_PATHS)
		return pool_print(&catcher->cases->pool, "%s %s", copy_str(catcher, target->path),
				  copy_str(catcher, target->to));
	if (target->kind == TARGET_UNIX)
		return pool_print(&catcher->cases->pool, "unix:%s",
				  copy_str(catcher, target->path));
	if (target->kind != TARGET_PEER)
		return copy_str(catcher, target->path.len ? target->path : target->asked);
	text_clear(&address);
	words_address(&address, target);
	word = pool_print(&catcher->cases->pool, target->address_len == 16 ? "[%s]:%u" : "%s:%u",
			  address.data ? address.data : "", target->port);
	text_done(&address);
	return word;
}

static const char *line_of(struct catcher *catcher, const struct seen *seen)
{
	return pool_print(&catcher->cases->pool, "%s: %s %s %s; %s%s%s at %s:%u; %s [%s]",
			  seen->kind, seen->subject, seen->action, seen->object, seen->rule.profile,
			  *seen->rule.id ? ", rule " : "", seen->rule.id, seen->rule.file,
			  seen->rule.line, words_severity(seen->severity), seen->method);
}

static void catch_finding(struct sink *sink, const struct finding *finding)
{
	struct catcher *catcher = (struct catcher *)sink;
	const struct outcome *outcome = finding->outcome;
	for (uint32_t i = 0; i < catcher->count; i++) {
		if (strcmp(catcher->seen[i].fingerprint, finding->fingerprint))
			continue;
		catcher->seen[i].count += finding->count;
		return;
	}
	if (catcher->count == ALERTS_MAX) {
		catcher->is_full = true;
		return;
	}
	catcher->seen = pool_grow(&catcher->cases->pool, catcher->seen, catcher->count,
				  sizeof(*catcher->seen));
	struct seen *seen = &catcher->seen[catcher->count++];
	*seen = (struct seen){.subject = copy(catcher, outcome->charged->subject->name),
			      .action = words_action(finding->event->action),
			      .object = object_word(catcher, finding),
			      .kind = copy(catcher, finding->kind),
			      .method = copy(catcher, outcome->method_name),
			      .severity = outcome->severity,
			      .count = finding->count};
	seen->rule.profile = copy(catcher, outcome->rule.profile);
	seen->rule.file = copy(catcher, outcome->rule.file);
	seen->rule.id = copy(catcher, outcome->rule.id);
	seen->rule.line = outcome->rule.line;
	memcpy(seen->fingerprint, finding->fingerprint, sizeof(seen->fingerprint));
	seen->text = line_of(catcher, seen);
}

static int catch_close(struct sink *sink)
{
	(void)sink;
	return 0;
}

static bool is_text(const char *wanted, const char *is)
{
	return !*wanted || !strcmp(wanted, is);
}

static bool is_alert(const struct expected_alert *wanted, const struct seen *seen)
{
	return is_text(wanted->subject, seen->subject) && is_text(wanted->action, seen->action) &&
	       is_text(wanted->profile, seen->rule.profile) && is_text(wanted->kind, seen->kind) &&
	       is_text(wanted->method, seen->method) &&
	       (!*wanted->object || !fnmatch(wanted->object, seen->object, 0)) &&
	       (!*wanted->rule || case_rule_is(&seen->rule, wanted->rule)) &&
	       (!wanted->severity || wanted->severity == seen->severity) &&
	       (wanted->count < 0 || (uint64_t)wanted->count == seen->count);
}

static const char *compare_alerts(struct catcher *catcher, const struct test_case *test)
{
	struct pool *pool = &catcher->cases->pool;
	for (uint32_t i = 0; i < test->alert_count; i++) {
		bool is_found = false;
		for (uint32_t at = 0; at < catcher->count; at++) {
			if (!is_alert(&test->alerts[i], &catcher->seen[at]))
				continue;
			is_found = catcher->seen[at].is_expected = true;
		}
		if (!is_found)
			return pool_print(pool, "no alert is as line %u expects",
					  test->alerts[i].line);
	}
	for (uint32_t at = 0; at < catcher->count; at++)
		if (!catcher->seen[at].is_expected)
			return pool_print(pool, "nothing expects: %s", catcher->seen[at].text);
	return catcher->is_full ? "too many alerts" : NULL;
}

static const char *describe(struct catcher *catcher, const char *verdict)
{
	const char *text = verdict;
	for (uint32_t i = 0; i < catcher->count && i < 50; i++)
		text = pool_print(&catcher->cases->pool, "%s\n%s x%llu", text,
				  catcher->seen[i].text,
				  (unsigned long long)catcher->seen[i].count);
	return text;
}

/* 0, or negative errno with a sentence in error. */
static int feed(struct pipeline *pipeline, const char *path, char *error, size_t bytes)
{
	struct source *source;
	struct item item;
	int next = source_log_open(path, &source, error, bytes);
	if (next) {
		if (!*error)
			snprintf(error, bytes, "%s: %s", path, strerror(-next));
		return next;
	}
	while ((next = source_next(source, &item)) == 1 &&
	       pipeline_run_item(pipeline, &item) != -ENOMEM)
		;
	if (next != -ENODATA)
		snprintf(error, bytes, "%s",
			 source_error(source) ? source_error(source) : strerror(ENOMEM));
	source_close(source);
	return next == -ENODATA ? 0 : -EIO;
}

static void judge_log(struct catcher *catcher, const struct test_case *test,
		      struct pipeline *pipeline, struct case_result *result)
{
	struct pool *pool = &catcher->cases->pool;
	char error[512] = "";
	if (feed(pipeline, test->log, error, sizeof(error))) {
		result->problem = copy(catcher, error);
		return;
	}
	const char *verdict = words_verdict(pipeline_finish(pipeline)->verdict);
	result->actual = describe(catcher, verdict);
	result->expected = *test->verdict ? test->verdict : "these alerts";
	if (test->has_alerts)
		result->expected = pool_print(pool, "%s%s%u alerts", test->verdict,
					      *test->verdict ? " and " : "", test->alert_count);
	result->problem = test->has_alerts ? compare_alerts(catcher, test) : NULL;
	if (*test->verdict && strcmp(test->verdict, verdict))
		result->problem = pool_print(pool, "the verdict is %s", verdict);
	result->verdict = result->problem ? CASE_FAILED : CASE_PASSED;
}

void policy_test_log(struct cases *cases, const struct test_case *test, struct policy *policy,
		     struct case_result *ret_result)
{
	struct catcher catcher = {.sink = {.finding = catch_finding, .close = catch_close},
				  .cases = cases};
	struct sink *sinks[] = {&catcher.sink};
	struct pipeline_options options = {
		.policy = policy, .sinks = sinks, .sink_count = 1, .accepts_shim_only = true};
	struct pipeline *pipeline = pipeline_new(&options);
	*ret_result = (struct case_result){.test = test,
					   .verdict = CASE_BROKEN,
					   .object = "",
					   .expected = "",
					   .actual = "",
					   .problem = "out of memory"};
	if (pipeline && !setjmp(cases->escape))
		judge_log(&catcher, test, pipeline, ret_result);
	pipeline_free(pipeline);
}
