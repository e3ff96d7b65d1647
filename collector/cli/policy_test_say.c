/* SPDX-License-Identifier: Apache-2.0
 *
 * How cases went, for people and as one JSON object.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../policy/explain.h"
#include "../sink/json.h"
#include "policy_test.h"

static const char *const verdict_words[] = {"passed", "failed", "broken"};

bool policy_test_report_open(struct policy_test_report *report, struct policy *policy)
{
	report->policy = policy;
	while (policy_profile_name(policy, report->profile_count))
		report->profile_count++;
	report->allows = calloc(report->profile_count + 1, sizeof(*report->allows));
	report->flags = calloc(report->profile_count + 1, sizeof(*report->flags));
	report->lines = report->is_json ? json_array() : NULL;
	return report->allows && report->flags && (!report->is_json || report->lines);
}

/* Only what passed says that a profile does what it is to do. */
static void count_profiles(struct policy_test_report *report, const struct case_result *result)
{
	for (unsigned i = 0; result->verdict == CASE_PASSED && i < result->profile_count; i++)
		for (unsigned at = 0; at < report->profile_count; at++)
			if (!strcmp(policy_profile_name(report->policy, at), result->profiles[i]))
				(result->is_flag ? report->flags : report->allows)[at]++;
}

/* Every line of text behind the label, escaped for a terminal. */
static void print_lines(const char *label, const char *text)
{
	struct text line = {0};
	while (*text) {
		size_t len = strcspn(text, "\n");
		text_clear(&line);
		text_escape(&line, (struct str){text, (uint32_t)len}, ESCAPE_TERMINAL);
		printf("    %-10s %s\n", label, line.data ? line.data : "");
		text += len + (text[len] == '\n');
		label = "";
	}
	text_done(&line);
}

static void say_text(const struct policy_test_report *report, const struct case_result *result)
{
	struct text line = {0};
	if (result->verdict == CASE_PASSED && !report->is_verbose)
		return;
	text_clear(&line);
	text_escape_string(&line, result->test->file, ESCAPE_TERMINAL);
	text_addf(&line, ":%u:%u: %s: ", result->test->line, result->test->column,
		  verdict_words[result->verdict]);
	text_escape_string(&line, result->test->name, ESCAPE_TERMINAL);
	if (*result->object && result->test->object_count > 1) {
		text_add(&line, ": ");
		text_escape_string(&line, result->object, ESCAPE_TERMINAL);
	}
	puts(line.data ? line.data : "");
	text_done(&line);
	if (result->verdict == CASE_PASSED)
		return;
	print_lines("expected:", result->expected);
	print_lines("actual:", result->actual);
	print_lines(result->verdict == CASE_BROKEN ? "error:" : "but:", result->problem);
}

static void say_json(const struct policy_test_report *report, const struct case_result *result)
{
	json_t *profiles = json_array();
	for (unsigned i = 0; i < result->profile_count; i++)
		json_array_append_new(profiles, json_text(result->profiles[i]));
	json_array_append_new(
		report->lines,
		json_pack("{s:o, s:i, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "file",
			  json_text(result->test->file), "line", (int)result->test->line, "name",
			  json_text(result->test->name), "object", json_text(result->object),
			  "result", verdict_words[result->verdict], "expected",
			  json_text(result->expected), "actual", json_text(result->actual),
			  "problem", json_text(result->problem), "profiles", profiles));
}

void policy_test_say(struct policy_test_report *report, const struct case_result *result)
{
	report->passed += result->verdict == CASE_PASSED;
	report->failed += result->verdict == CASE_FAILED;
	report->broken += result->verdict == CASE_BROKEN;
	count_profiles(report, result);
	if (report->is_json)
		say_json(report, result);
	else
		say_text(report, result);
}

static void close_text(const struct policy_test_report *report)
{
	printf("%u passed, %u failed", report->passed, report->failed);
	if (report->broken)
		printf(", %u wrong in themselves", report->broken);
	printf("\n");
}

static int close_json(struct policy_test_report *report)
{
	json_t *profiles = json_array();
	for (unsigned at = 0; at < report->profile_count; at++)
		json_array_append_new(profiles,
				      json_pack("{s:o, s:i, s:i}", "name",
						json_text(policy_profile_name(report->policy, at)),
						"allows", (int)report->allows[at], "flags",
						(int)report->flags[at]));
	json_t *whole =
		json_pack("{s:i, s:i, s:i, s:i, s:o, s:o}", "v", 1, "passed", (int)report->passed,
			  "failed", (int)report->failed, "broken", (int)report->broken, "cases",
			  (json_t *)report->lines, "profiles", profiles);
	report->lines = NULL;
	int error = json_write_line(stdout, whole);
	json_decref(whole);
	return error;
}

int policy_test_close(struct policy_test_report *report)
{
	int error = 0;
	if (report->is_json)
		error = close_json(report);
	else
		close_text(report);
	free(report->allows);
	free(report->flags);
	if (error) {
		cli_error("%s", strerror(-error));
		return CLI_USAGE;
	}
	int status = cli_policy_flush();
	if (status)
		return status;
	return report->broken ? CLI_USAGE : report->failed ? CLI_DEVIATES : CLI_OK;
}
