/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of cases into cases. All that is wrong is told at once; after any error there are none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cases_inner.h"

/* Everything that holds an expiring rule in force: a case that does not say when is not to fail
 * some day. */
#define DEFAULT_SECONDS 946684800ull /* 2000-01-01 */

#define STARTERS_MAX 16u

static const char *const action_words[WIRE_ACTIONS + 1] = {
	"",
#define ACTION(id, number, name, family, doc) [number] = name,
#include "../../preload/wire/actions.tbl.h"
#undef ACTION
};

static void read_action(struct cases *cases, const struct node *node, struct test_case *test)
{
	int word = case_word(cases, node, "action", action_words + 1);
	if (word >= 0)
		test->action = (unsigned)word + 1;
	else if (!case_get(node, "action"))
		report_error(&cases->loader->reports, node->place,
			     "a case needs an action (or a log)");
}

static void read_objects(struct cases *cases, const struct node *node, struct test_case *test)
{
	struct node *value = case_get(node, "object");
	bool is_list = value && value->kind == NODE_LIST;
	uint32_t count = is_list ? value->count : 1;
	if (!test->action)
		return;
	if (!value && test->action != WIRE_EXEC_CODE) {
		report_error(&cases->loader->reports, node->place, "a case needs an object");
		return;
	}
	if (!count || count > CASE_OBJECTS_MAX) {
		report_error(&cases->loader->reports, value->place, "from 1 to %u objects",
			     CASE_OBJECTS_MAX);
		return;
	}
	test->objects = pool_alloc(&cases->pool, count * sizeof(*test->objects));
	for (struct node *item = is_list ? value->first : value; test->object_count < count;
	     item = is_list ? item->next : NULL)
		case_read_object(cases, item, test->action, &test->objects[test->object_count++]);
}

static void read_result(struct cases *cases, const struct node *node, struct test_case *test)
{
	const char *text = case_text(cases, node, "result");
	char *end;
	if (!*text)
		return;
	long number = strtol(text, &end, 10);
	if (!*end && number >= -4095 && number <= INT32_MAX) {
		test->result = (int32_t)number;
		return;
	}
	for (int error = 1; error < 134; error++) {
		const char *name = strerrorname_np(error);
		if (name && !strcmp(name, text)) {
			test->result = -error;
			return;
		}
	}
	report_error(&cases->loader->reports, case_get(node, "result")->place,
		     "\"%s\" is neither a result nor the name of an error",
		     report_quote(&cases->pool, text, strlen(text)));
}

static void read_time(struct cases *cases, const struct node *node, struct test_case *test)
{
	const char *text = case_text(cases, node, "time");
	struct tm tm = {.tm_mday = 1};
	const char *end = strptime(text, "%Y-%m-%d", &tm);
	test->realtime_ns = DEFAULT_SECONDS * 1000000000ull;
	if (!*text)
		return;
	if (end && *end == 'T')
		end = strptime(end, "T%H:%M:%SZ", &tm);
	time_t seconds = end && !*end ? timegm(&tm) : -1;
	if (seconds < 0 || seconds > 9000000000ll)
		report_error(&cases->loader->reports, case_get(node, "time")->place,
			     "\"%s\" is no time: write 2027-06-30 or 2027-06-30T12:00:00Z",
			     report_quote(&cases->pool, text, strlen(text)));
	else
		test->realtime_ns = (uint64_t)seconds * 1000000000ull;
}

static void read_via(struct cases *cases, const struct node *node, struct test_case *test)
{
	struct node *value = case_get(node, "via");
	unsigned count = 0;
	if (!value)
		return;
	struct node *item = value->kind == NODE_LIST ? value->first : value;
	for (; item; item = value->kind == NODE_LIST ? item->next : NULL) {
		if (item->kind != NODE_SCALAR || !item->len || count == WIRE_VIA_MAX) {
			report_error(&cases->loader->reports, item->place,
				     "\"via\" takes names of functions, at most %u", WIRE_VIA_MAX);
			return;
		}
		test->via[count++] = item->text;
	}
}

static void read_secrets(struct cases *cases, const struct node *node, struct test_case *test)
{
	struct node *value = case_get(node, "secrets");
	if (!value)
		return;
	struct node *item = value->kind == NODE_LIST ? value->first : value;
	for (; item; item = value->kind == NODE_LIST ? item->next : NULL) {
		if (item->kind != NODE_SCALAR || !item->len ||
		    test->secret_count == CASE_SECRETS_MAX) {
			report_error(&cases->loader->reports, item->place,
				     "\"secrets\" takes names of variables and paths, at most %u",
				     CASE_SECRETS_MAX);
			return;
		}
		test->secrets[test->secret_count++] = item->text;
	}
}

static void read_process(struct cases *cases, const struct node *node, struct test_case *test)
{
	const struct node *process = case_get(node, "process");
	test->argv = (struct str){"", 0};
	test->home = "/home/u";
	test->cwd = "/home/u";
	test->uid = 1000;
	if (!process || !case_check_keys(cases, process, IN_PROCESS))
		return;
	if (case_get(process, "home"))
		test->home = case_text(cases, process, "home");
	if (case_get(process, "cwd"))
		test->cwd = case_text(cases, process, "cwd");
	test->uid = (uint32_t)case_number(cases, process, "uid", UINT32_MAX, 1000);
	test->argv = case_argv(cases, process);
}

static void read_starters(struct cases *cases, const struct node *node, struct test_case *test)
{
	struct node *value = case_get(node, "started-by");
	if (!value)
		return;
	/* One chain, or a list of chains. */
	bool is_list = value->kind == NODE_LIST && value->first && value->first->kind == NODE_LIST;
	uint32_t count = is_list ? value->count : 1;
	if (count > STARTERS_MAX) {
		report_error(&cases->loader->reports, value->place, "at most %u processes",
			     STARTERS_MAX);
		return;
	}
	test->starters = pool_alloc(&cases->pool, count * sizeof(*test->starters));
	for (struct node *item = is_list ? value->first : value; test->starter_count < count;
	     item = is_list ? item->next : NULL)
		case_read_chain(cases, item, &test->starters[test->starter_count++]);
}

static void read_event(struct cases *cases, const struct node *node, struct test_case *test)
{
	static const char *const phases[] = {"load", "startup", "steady", NULL};
	struct node *chain = case_get(node, "chain"), *thread = case_get(node, "thread-of");
	if (chain)
		case_read_chain(cases, chain, &test->chain);
	else
		report_error(&cases->loader->reports, node->place,
			     "a case needs a chain (or a log)");
	if (thread)
		case_read_chain(cases, thread, &test->thread);
	read_starters(cases, node, test);
	read_action(cases, node, test);
	read_objects(cases, node, test);
	read_result(cases, node, test);
	read_time(cases, node, test);
	read_via(cases, node, test);
	read_secrets(cases, node, test);
	read_process(cases, node, test);
	test->function = case_text(cases, node, "function");
	int phase = case_word(cases, node, "phase", phases);
	test->phase = phase < 0 ? "" : phases[phase];
	test->is_partial = case_bool(cases, node, "partial");
	if (case_bool(cases, node, "datagram"))
		test->event_flags |= EVENT_DATAGRAM;
	if (case_bool(cases, node, "unheard"))
		test->event_flags |= EVENT_UNHEARD;
}

/* Beside the file that names it. */
static const char *log_path(struct cases *cases, const struct node *node, const char *log)
{
	const char *file = node->place.origin->path, *slash = strrchr(file, '/');
	if (*log == '/' || !slash)
		return log;
	return pool_print(&cases->pool, "%.*s/%s", (int)(slash - file), file, log);
}

static void read_log(struct cases *cases, const struct node *node, struct test_case *test)
{
	for (const struct node *key = node->first; key; key = key->next->next)
		if (key->kind == NODE_SCALAR && strcmp(key->text, "name") &&
		    strcmp(key->text, "log") && strcmp(key->text, "expect"))
			report_error(&cases->loader->reports, key->place,
				     "\"%s\" says nothing beside a log",
				     report_quote(&cases->pool, key->text, key->len));
	const char *log = case_text(cases, node, "log");
	if (*log)
		test->log = log_path(cases, node, log);
}

static void read_case(struct cases *cases, const struct node *node)
{
	if (!case_check_keys(cases, node, IN_CASE))
		return;
	cases->list = pool_grow(&cases->pool, cases->list, cases->count, sizeof(*cases->list));
	struct test_case *test = &cases->list[cases->count++];
	*test = (struct test_case){.file = node->place.origin->path,
				   .line = node->place.line,
				   .column = node->place.column};
	test->name = case_text(cases, node, "name");
	if (!*test->name)
		report_error(&cases->loader->reports, node->place, "a case needs a name");
	if (case_get(node, "log"))
		read_log(cases, node, test);
	else
		read_event(cases, node, test);
	struct node *expect = case_get(node, "expect");
	if (expect)
		case_read_expect(cases, expect, test);
	else
		report_error(&cases->loader->reports, node->place, "a case needs \"expect\"");
}

void case_read_file(struct cases *cases, const struct node *root)
{
	if (!case_check_keys(cases, root, IN_TOP))
		return;
	const char *version = case_text(cases, root, "version");
	const struct node *list = case_get(root, "cases");
	if (strcmp(version, "1"))
		report_error(&cases->loader->reports, root->place,
			     "the file must say \"version: 1\"");
	if (!list || list->kind != NODE_LIST || !list->count) {
		report_error(&cases->loader->reports, list ? list->place : root->place,
			     "\"cases\" must be a list of cases, and hold some");
		return;
	}
	for (const struct node *item = list->first; item; item = item->next)
		read_case(cases, item);
}
