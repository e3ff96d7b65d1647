/* SPDX-License-Identifier: Apache-2.0
 *
 * One item of a list into one rule; ${NAME} in it is taken from the loader's variables.
 */
#include <string.h>

#include "policy_inner.h"

static bool is_name_char(char c, bool is_first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
	       (!is_first && c >= '0' && c <= '9');
}

/* The value, remembered with the policy so that a replay has it too. */
static const char *take_variable(struct loader *loader, const struct node *node, const char *name)
{
	struct policy *policy = loader->policy;
	for (uint32_t i = 0; i < policy->variable_count; i++)
		if (!strcmp(policy->variables[i].name, name))
			return policy->variables[i].value;
	const char *value = loader->options->variable
				    ? loader->options->variable(loader->options->variable_arg, name)
				    : NULL;
	if (!value) {
		report_error(&loader->reports, node->place, "${%s} is not set", name);
		return NULL;
	}
	policy->variables = pool_grow(&policy->pool, policy->variables, policy->variable_count,
				      sizeof(*policy->variables));
	struct policy_variable *variable = &policy->variables[policy->variable_count++];
	variable->name = pool_copy(&policy->pool, name, strlen(name));
	variable->value = pool_copy(&policy->pool, value, strlen(value));
	return variable->value;
}

/* In a glob the value stands for itself, whatever characters are in it. */
static const char *quote_value(struct pool *pool, const char *value, bool is_glob)
{
	char *out = pool_alloc(pool, strlen(value) * 2 + 1);
	size_t used = 0;
	for (; *value; value++) {
		if (is_glob && strchr("*?[]{}\\", *value))
			out[used++] = '\\';
		out[used++] = *value;
	}
	return out;
}

/* node itself, or a copy with every ${NAME} replaced; NULL: reported. */
struct node *loader_expand(struct loader *loader, struct node *node, bool is_glob)
{
	struct pool *pool = &loader->scratch;
	const char *out = "", *text = node->text;
	if (!strstr(text, "${"))
		return node;
	for (const char *mark; (mark = strstr(text, "${"));) {
		size_t len = 0;
		while (is_name_char(mark[2 + len], !len))
			len++;
		if (!len || mark[2 + len] != '}') {
			report_error(&loader->reports, node->place,
				     "bad variable in \"%s\", it is written ${NAME}",
				     report_quote(pool, node->text, node->len));
			return NULL;
		}
		const char *value = take_variable(loader, node, pool_copy(pool, mark + 2, len));
		if (!value)
			return NULL;
		out = pool_print(pool, "%s%.*s%s", out, (int)(mark - text), text,
				 quote_value(pool, value, is_glob));
		text = mark + 2 + len + 1;
	}
	struct node *copy = pool_alloc(pool, sizeof(*copy));
	*copy = *node;
	copy->text = pool_print(pool, "%s%s", out, text);
	copy->len = strlen(copy->text);
	if (copy->len)
		return copy;
	report_error(&loader->reports, node->place, "\"%s\" is empty",
		     report_quote(pool, node->text, node->len));
	return NULL;
}

bool compile_glob(struct loader *loader, const struct node *node, const char *text, size_t len,
		  enum glob_mode mode, struct glob *ret_glob)
{
	const char *problem = glob_compile(&loader->policy->pool, text, len, mode, ret_glob);
	if (problem)
		report_error(&loader->reports, node->place, "bad glob \"%s\": %s",
			     report_quote(&loader->scratch, node->text, node->len), problem);
	return !problem;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t end_len = strlen(end);
	return len >= end_len && !memcmp(text + len - end_len, end, end_len);
}

bool compile_path(struct loader *loader, struct node *written, struct path_glob *ret_path)
{
	static const char thread[] = "/proc/thread-self/";
	struct node *node = loader_expand(loader, written, true);
	if (!node)
		return false;
	const char *text = node->text;
	size_t len = node->len;
	if (!strncmp(text, "/memfd:", 7)) {
		text++;
		len--;
	} else if (!strncmp(text, thread, strlen(thread))) {
		/* The kernel says /proc/PID/task/TID, which is matched as /proc/self/task/TID. */
		text = pool_print(&loader->scratch, "/proc/self/task/*/%s", text + strlen(thread));
		len = strlen(text);
	}
	ret_path->is_memfd = !strncmp(text, "memfd:", 6);
	ret_path->is_deleted = ends_with(text, len, " (deleted)");
	ret_path->is_home = text[0] == '~' && text[1] == '/';
	if (ret_path->is_home) {
		text++;
		len--;
	}
	if (*text != '/' && strncmp(text, "**", 2) && !ret_path->is_memfd) {
		report_error(&loader->reports, written->place,
			     "\"%s\" can never match, a path glob starts with /, ~/ or **",
			     report_quote(&loader->scratch, node->text, node->len));
		return false;
	}
	bool is_good = compile_glob(loader, node, text, len, GLOB_PATH, &ret_path->glob);
	if (!is_good)
		return false;
	ret_path->glob.text = pool_copy(&loader->policy->pool, node->text, node->len);
	return true;
}

static bool compile_path_rule(struct loader *loader, struct node *node, enum schema_where where,
			      struct rule *rule)
{
	struct node *path = node->kind == NODE_SCALAR ? node : schema_get(node, where, "path");
	struct node *from = where == AT_PATHS ? schema_get(node, where, "from") : NULL;
	struct node *to = where == AT_PATHS ? schema_get(node, where, "to") : NULL;
	if (node->kind == NODE_SCALAR && !node->len)
		path = NULL;
	if (!path == (!from && !to)) {
		report_error(&loader->reports, node->place, "%s",
			     where == AT_PATHS
				     ? "a rule here is a path glob, or {from: ..., to: ...}"
				     : "a rule here is a path glob, or {path: ...}");
		return false;
	}
	if (path) {
		rule->kind = RULE_PATH;
		bool is_good = compile_path(loader, path, &rule->path);
		rule->text = rule->path.glob.text;
		return is_good;
	}
	if (!from || !to) {
		report_error(&loader->reports, node->place, "\"from\" and \"to\" go together");
		return false;
	}
	rule->kind = RULE_PATHS;
	if (!compile_path(loader, from, &rule->paths.from) ||
	    !compile_path(loader, to, &rule->paths.to))
		return false;
	rule->text = pool_print(&loader->policy->pool, "%s to %s", rule->paths.from.glob.text,
				rule->paths.to.glob.text);
	return true;
}

static bool compile_args(struct loader *loader, struct node *args, struct rule *rule)
{
	struct pool *pool = &loader->policy->pool;
	rule->has_args = true;
	for (struct node *item = texts_first(args); item; item = args == item ? NULL : item->next) {
		if (!strcmp(item->text, "**") && !item->next) {
			rule->takes_rest = true;
			rule->text = pool_print(pool, "%s **", rule->text);
			break;
		}
		struct node *node = loader_expand(loader, item, true);
		rule->args = pool_grow(pool, rule->args, rule->arg_count, sizeof(*rule->args));
		if (!node || !compile_glob(loader, node, node->text, node->len, GLOB_PATH,
					   &rule->args[rule->arg_count]))
			return false;
		if (rule->arg_count++ < 16)
			rule->text = pool_print(pool, "%s %s", rule->text, node->text);
	}
	if (!rule->arg_count && !rule->takes_rest)
		rule->text = pool_print(pool, "%s without arguments", rule->text);
	return true;
}

static void compile_child(struct loader *loader, const struct node *node, struct rule *rule)
{
	static const char *const words[] = {"own", "mine", "free", NULL};
	const struct node *value =
		node->kind == NODE_MAPPING ? schema_get(node, AT_PROGRAM, "child") : NULL;
	if (!value)
		return;
	for (unsigned i = 0; words[i]; i++)
		if (node_says(value, words[i]))
			rule->child = (uint8_t)(CHILD_OWN + i);
	loader->policy->has_children = true;
	if (!rule->child)
		report_error(&loader->reports, value->place,
			     "\"child\" must be own, mine or free, not \"%s\"",
			     report_quote(&loader->scratch, value->text, value->len));
}

static void compile_dropped(struct loader *loader, const struct node *node, struct rule *rule)
{
	const struct node *value =
		node->kind == NODE_MAPPING ? schema_get(node, AT_PROGRAM, "dropped") : NULL;
	if (!value)
		return;
	rule->is_dropped = true;
	loader->policy->has_dropped = true;
	if (!node_says(value, "yes"))
		report_error(&loader->reports, value->place, "\"dropped\" must be yes, not \"%s\"",
			     report_quote(&loader->scratch, value->text, value->len));
}

static bool compile_program(struct loader *loader, struct node *node, struct rule *rule)
{
	struct node *program =
		node->kind == NODE_SCALAR ? node : schema_get(node, AT_PROGRAM, "program");
	if (!program || !program->len) {
		report_error(&loader->reports, node->place,
			     "a rule here is a program, or {program: ...}");
		return false;
	}
	rule->kind = RULE_PROGRAM;
	rule->is_bare = !strchr(program->text, '/') && strncmp(program->text, "**", 2) &&
			strncmp(program->text, "memfd:", 6) && strncmp(program->text, "${", 2);
	if (rule->is_bare) {
		struct node *name = loader_expand(loader, program, true);
		if (!name ||
		    !compile_glob(loader, name, name->text, name->len, GLOB_PATH, &rule->path.glob))
			return false;
	} else if (!compile_path(loader, program, &rule->path)) {
		return false;
	}
	rule->text = rule->path.glob.text;
	compile_child(loader, node, rule);
	compile_dropped(loader, node, rule);
	struct node *args =
		node->kind == NODE_MAPPING ? schema_get(node, AT_PROGRAM, "args") : NULL;
	return !args || compile_args(loader, args, rule);
}

static bool compile_name(struct loader *loader, struct node *node, enum schema_where where,
			 struct rule *rule)
{
	struct node *written = node->kind == NODE_SCALAR ? node : schema_get(node, where, "name");
	if (!written || !written->len) {
		report_error(&loader->reports, node->place,
			     "a rule here is a name, or {name: ...}");
		return false;
	}
	struct node *name = loader_expand(loader, written, true);
	if (!name)
		return false;
	char *text = pool_copy(&loader->scratch, name->text, name->len);
	size_t len = name->len;
	for (char *c = text; where == AT_HOST && *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
	if (where == AT_HOST && len > 1 && text[len - 1] == '.')
		len--;
	rule->kind = RULE_NAME;
	bool is_good = compile_glob(loader, name, text, len, GLOB_NAME, &rule->name);
	rule->text = rule->name.text;
	return is_good;
}

static enum schema_where rule_where(unsigned action)
{
	switch (action) {
	case WIRE_NET_RESOLVE:
		return AT_HOST;
	case WIRE_FILE_RENAME:
	case WIRE_FILE_LINK:
		return AT_PATHS;
	case WIRE_EXEC_RUN:
		return AT_PROGRAM;
	case WIRE_ENV_READ:
		return AT_NAME;
	default:
		return action_family(action) == FAMILY_NET ? AT_PEER : AT_PATH;
	}
}

static bool compile_body(struct loader *loader, struct node *node, enum schema_where where,
			 struct rule *rule)
{
	switch (where) {
	case AT_PEER:
		return compile_peer(loader, node, rule);
	case AT_PROGRAM:
		return compile_program(loader, node, rule);
	case AT_HOST:
	case AT_NAME:
		return compile_name(loader, node, where, rule);
	default:
		return compile_path_rule(loader, node, where, rule);
	}
}

struct rule *compile_rule(struct loader *loader, struct node *node, unsigned action)
{
	enum schema_where where = rule_where(action);
	struct rule *rule = pool_alloc(&loader->policy->pool, sizeof(*rule));
	rule->expires_ns = NEVER;
	rule->place = node->place;
	/* What `learn` tries out has no file's name. */
	rule->is_learned = node->place.origin->is_learned || *node->place.origin->path == '\n';
	rule->ref.line = node->place.line;
	rule->ref.file = node->place.origin->path;
	rule->ref.id = "";
	if (node->kind == NODE_SCALAR && where == AT_PEER) {
		report_error(&loader->reports, node->place, "a peer is a mapping: {to: \"%s\"}",
			     report_quote(&loader->scratch, node->text, node->len));
		return NULL;
	}
	if (node->kind != NODE_SCALAR) {
		if (!schema_check(loader, node, where))
			return NULL;
		const char *id = schema_text(node, where, "id");
		const char *message = schema_text(node, where, "message");
		struct pool *pool = &loader->policy->pool;
		rule->ref.id = id ? pool_copy(pool, id, strlen(id)) : "";
		rule->message = message ? pool_copy(pool, message, strlen(message)) : NULL;
		rule->severity = compile_severity(loader, node, where);
		rule->expires_ns = compile_expires(loader, node, where);
		rule->phases = compile_phases(loader, node, where);
		rule->is_attempt = compile_attempts(loader, node, where);
	}
	return compile_body(loader, node, where, rule) ? rule : NULL;
}
