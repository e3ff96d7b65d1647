/* SPDX-License-Identifier: Apache-2.0
 *
 * One rule against one question.
 */
#include <string.h>

#include "policy_inner.h"

/* --- grants: only inside these functions -------------------------------------------------------
 */

#define FUNCTIONS_KNOWN 1024u

static bool via_hits(const struct grant *grant, const char *function)
{
	for (uint32_t i = 0; function && i < grant->via_count; i++)
		if (glob_match(&grant->via[i], function, strlen(function)))
			return true;
	return false;
}

/* Which grants a function opens is looked up by name once, then kept as bits. */
static bool function_opens(struct question *question, uint16_t function, uint32_t grant)
{
	struct policy *policy = question->policy;
	const char *name;
	if (!policy->grant_bits || function >= FUNCTIONS_KNOWN)
		return via_hits(&policy->grants[grant], model_function(question->model, function));
	uint64_t *bits = policy->grant_bits + (size_t)function * policy->grant_words;
	if (!policy->grant_known[function]) {
		name = model_function(question->model, function);
		for (uint32_t i = 0; i < policy->grant_count; i++)
			if (via_hits(&policy->grants[i], name))
				bits[i / 64] |= 1ull << (i % 64);
		policy->grant_known[function] = name != NULL;
	}
	return bits[grant / 64] >> (grant % 64) & 1;
}

/* Its code is on this stack; not on that of who made the thread, nor of who started the process. */
static bool is_in_python(const struct question *question, const struct grant *grant)
{
	const struct chain *chain = question->chain;
	if (grant->has_import && chain && chain->has_import)
		return true;
	for (uint32_t i = 0; chain && i < chain->own_count; i++) {
		const struct subject *subject = chain->links[i].subject;
		for (uint32_t m = 0; subject->kind == SUBJECT_PYTHON && m < grant->module_count; m++)
			if (glob_match(&grant->modules[m], subject->name, strlen(subject->name)))
				return true;
		if (chain->links[i].starts_thread)
			break;
	}
	return false;
}

bool grant_holds(struct question *question, uint32_t grant)
{
	const struct item_event *event = question->event;
	if (!grant--)
		return true;
	const struct grant *at = &question->policy->grants[grant];
	if (at->phases && !(at->phases & question->phases))
		return false;
	if (!at->via_count && !at->module_count && !at->has_import)
		return true;
	if ((at->has_import || at->module_count) && is_in_python(question, at))
		return true;
	if (!at->via_count)
		return false;
	if (function_opens(question, event->function, grant))
		return true;
	for (unsigned i = 0; i < WIRE_VIA_MAX && event->via[i]; i++)
		if (function_opens(question, event->via[i], grant))
			return true;
	return false;
}

/* --- paths and programs --------------------------------------------------------------------------
 */

static bool ends_with(struct str text, const char *end)
{
	size_t len = strlen(end);
	return text.len >= len && !memcmp(text.data + text.len - len, end, len);
}

static bool is_memfd(struct str path)
{
	return path.len >= 6 && !memcmp(path.data, "memfd:", 6);
}

static bool path_hits(const struct question *question, const struct path_glob *glob,
		      struct str path)
{
	/* What has no place in the file system is only meant by who says so. */
	if (is_memfd(path) ? !glob->is_memfd : ends_with(path, " (deleted)") && !glob->is_deleted)
		return false;
	if (!glob->is_home)
		return glob_match(&glob->glob, path.data, path.len);
	const char *home = question->process ? question->process->home : NULL;
	size_t len = home ? strlen(home) : 0;
	while (len && home[len - 1] == '/')
		len--;
	if (!home || *home != '/' || path.len < len || memcmp(path.data, home, len))
		return false;
	return glob_match(&glob->glob, path.data + len, path.len - len);
}

/* Programs the system's packages put there; only root writes to these. */
static bool is_system_directory(struct str path, size_t len, bool is_exact)
{
	static const char *const exact[] = {"/bin",	 "/usr/bin",	   "/sbin",
					    "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"};
	static const char *const below[] = {"/usr/lib/", "/usr/libexec/"};
	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
		if (strlen(exact[i]) == len && !memcmp(exact[i], path.data, len))
			return true;
	for (size_t i = 0; !is_exact && i < sizeof(below) / sizeof(below[0]); i++)
		if (len + 1 >= strlen(below[i]) && !memcmp(below[i], path.data, strlen(below[i])))
			return true;
	return false;
}

static bool bare_hits(const struct glob *glob, struct str path, bool is_exact)
{
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
	if (!slash)
		return false;
	size_t directory = (size_t)(slash - path.data);
	return glob_match(glob, slash + 1, path.len - directory - 1) &&
	       is_system_directory(path, directory, is_exact);
}

static bool program_hits(const struct question *question, const struct rule *rule)
{
	const struct item_target *target = question->target;
	if (!rule->is_bare)
		return path_hits(question, &rule->path, question->path);
	if (bare_hits(&rule->path.glob, question->path, false))
		return true;
	/* /usr/bin/awk is a link to /usr/bin/mawk: both names are the system's own. */
	const char *slash =
		question->path.len ? memrchr(question->path.data, '/', question->path.len) : NULL;
	size_t directory = slash ? (size_t)(slash - question->path.data) : 0;
	return slash && is_system_directory(question->path, directory, false) &&
	       bare_hits(&rule->path.glob, target->asked, true);
}

static bool args_hit(const struct rule *rule, struct str argv)
{
	const char *at = argv.data, *end = argv.data + argv.len;
	uint32_t count = 0;
	for (bool is_first = true; at < end; is_first = false) {
		size_t len = strnlen(at, (size_t)(end - at));
		if (!is_first && count == rule->arg_count)
			return rule->takes_rest;
		if (!is_first && !glob_match(&rule->args[count++], at, len))
			return false;
		at += len + 1;
	}
	return count == rule->arg_count;
}

static bool has_link(const struct chain *chain, const struct subject *subject)
{
	for (uint32_t i = 0; chain && i < chain->count; i++)
		if (chain->links[i].subject == subject)
			return true;
	return false;
}

/* Did the one that runs it write it, or somebody that it started, or that started it? What a shell that
 * everybody else is charged before runs is what its user typed. */
static bool is_own_drop(const struct question *question)
{
	const struct drop *drop = model_drop_of(question->model, question->target->path);
	const struct subject *runner = question->asked;
	if (!drop || !runner || policy_is_conduit(runner->binding))
		return false;
	return drop->writer == runner || has_link(drop->chain, runner) ||
	       has_link(question->chain, drop->writer);
}

static enum hit match_program(const struct question *question, const struct rule *rule)
{
	if (!program_hits(question, rule) || (rule->is_dropped && !is_own_drop(question)))
		return HIT_NO;
	return !rule->has_args || args_hit(rule, question->target->argv) ? HIT_YES : HIT_NEAR;
}

/* --- peers and names
 * --------------------------------------------------------------------------------- */

static bool is_loopback(const uint8_t *address, uint8_t len)
{
	static const uint8_t v4[4] = {127, 0, 0, 1}, v6[16] = {[15] = 1};
	return len == 4 ? !memcmp(address, v4, 4) : len == 16 && !memcmp(address, v6, 16);
}

static bool name_hits(const struct glob *glob, const char *name)
{
	char lower[256];
	size_t len = strlen(name);
	if (len > 1 && name[len - 1] == '.')
		len--;
	if (len > sizeof(lower))
		return false;
	for (size_t i = 0; i < len; i++)
		lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
	return glob_match(glob, lower, len);
}

static bool peer_hits(const struct question *question, const struct peer *peer)
{
	const struct item_target *target = question->target;
	if (target->kind == TARGET_UNIX)
		return peer->kind == PEER_UNIX &&
		       (!target->path.len ||
			glob_match(&peer->glob, target->path.data, target->path.len));
	switch (peer->kind) {
	case PEER_ADDRESS:
		return address_within(target->address, target->address_len, peer);
	case PEER_LOCALHOST:
		return is_loopback(target->address, target->address_len);
	case PEER_NAME:
		for (unsigned i = 0; i < question->name_count; i++)
			if (name_hits(&peer->glob, question->names[i]))
				return true;
		return false;
	case PEER_UNIX:
		break;
	}
	return false;
}

/* May the name in question be asked for, since this peer is listed? */
static bool peer_names(const struct question *question, const struct peer *peer)
{
	static const uint8_t v4[4] = {127, 0, 0, 1};
	static const struct str localhost = STR_LIT("localhost");
	bool is_local = question->host_len == localhost.len &&
			!memcmp(question->host, localhost.data, localhost.len);
	switch (peer->kind) {
	case PEER_ADDRESS:
		if (question->is_numeric)
			return address_within(question->address, question->address_len, peer);
		return is_local && address_within(v4, 4, peer);
	case PEER_LOCALHOST:
		return is_local || (question->is_numeric &&
				    is_loopback(question->address, question->address_len));
	case PEER_NAME:
		return question->host_len && !question->is_numeric &&
		       glob_match(&peer->glob, question->host, question->host_len);
	case PEER_UNIX:
		break;
	}
	return false;
}

/* Who may bind port 0 may have what Linux then chooses. */
static bool is_chosen_port(const struct question *question, uint16_t port)
{
	return (question->action == WIRE_NET_BIND || question->action == WIRE_NET_LISTEN) &&
	       port >= 32768;
}

static bool port_hits(const struct question *question, const struct rule *rule, uint16_t port)
{
	for (uint32_t i = 0; i < rule->peer.port_count; i++) {
		const struct port_range *range = &rule->peer.ports[i];
		if ((port >= range->low && port <= range->high) ||
		    (!range->low && is_chosen_port(question, port)))
			return true;
	}
	return !rule->peer.port_count;
}

/* An address without a name, for somebody whose resolver answers are not heard. What is known under
 * another name is not that: evidence is better than the lack of it. */
static bool is_unheard(const struct question *question)
{
	const struct item_event *event = question->event;
	return question->target->kind == TARGET_PEER && question->target->address_len &&
	       !question->name_count && question->asked &&
	       (event->flags & EVENT_UNHEARD ||
		model_names_unheard(question->model, event->process, question->asked));
}

/* Only the name is missing: everything else in the rule holds. */
static bool may_be_named(const struct question *question, const struct rule *rule)
{
	const struct item_target *target = question->target;
	bool has_name = false;
	for (uint32_t i = 0; i < rule->peer.to_count; i++)
		has_name |= rule->peer.to[i].kind == PEER_NAME;
	return has_name && question->now_ns < rule->expires_ns && is_unheard(question) &&
	       (!rule->peer.proto || rule->peer.proto == target->proto) &&
	       port_hits(question, rule, target->port);
}

static enum hit match_peer(struct question *question, const struct rule *rule)
{
	const struct item_target *target = question->target;
	bool is_resolve = question->action == WIRE_NET_RESOLVE;
	bool hits = !rule->peer.to_count;
	for (uint32_t i = 0; !hits && i < rule->peer.to_count; i++)
		hits = is_resolve ? peer_names(question, &rule->peer.to[i])
				  : peer_hits(question, &rule->peer.to[i]);
	if (!hits) {
		question->is_unheard |= !is_resolve && may_be_named(question, rule);
		return HIT_NO;
	}
	if (is_resolve)
		return HIT_YES;
	if (target->kind == TARGET_UNIX)
		return rule->peer.to_count || (!rule->peer.port_count && !rule->peer.proto)
			       ? HIT_YES
			       : HIT_NO;
	bool is_proto = !rule->peer.proto || rule->peer.proto == target->proto;
	return is_proto && port_hits(question, rule, target->port) ? HIT_YES : HIT_NEAR;
}

static enum hit match_name(const struct question *question, const struct rule *rule)
{
	bool hits = question->action == WIRE_NET_RESOLVE
			    ? question->host_len &&
				      glob_match(&rule->name, question->host, question->host_len)
			    : glob_match(&rule->name, question->path.data, question->path.len);
	return hits ? HIT_YES : HIT_NO;
}

/* --- rules and lists
 * ------------------------------------------------------------------------------- */

/* By its date and its phase. */
static bool rule_is_now(const struct question *question, const struct rule *rule)
{
	return question->now_ns < rule->expires_ns &&
	       (!rule->phases || rule->phases & question->phases);
}

/* path: which of the two names of a rename or link is asked about. */
enum hit rule_match(struct question *question, const struct rule *rule, struct str path)
{
	enum hit hit = HIT_NO;
	if (!grant_holds(question, rule->grant))
		return HIT_NO;
	switch (rule->kind) {
	case RULE_ANY:
		hit = HIT_YES;
		break;
	case RULE_PEER:
		hit = match_peer(question, rule);
		break;
	case RULE_PATH:
		hit = path_hits(question, &rule->path, path) ? HIT_YES : HIT_NO;
		break;
	case RULE_PATHS:
		break; /* takes both names at once: list_match */
	case RULE_PROGRAM:
		hit = match_program(question, rule);
		break;
	case RULE_NAME:
		hit = match_name(question, rule);
		break;
	}
	return hit == HIT_YES && !rule_is_now(question, rule) ? HIT_NEAR : hit;
}

static const struct rule *note(const struct rule *rule, enum hit hit, const struct rule **near)
{
	if (hit == HIT_NEAR && near && !*near)
		*near = rule;
	return hit == HIT_YES ? rule : NULL;
}

static const struct rule *match_one(struct question *question, const struct list *list,
				    struct str path, const struct rule **near)
{
	const struct rule *found = NULL;
	const struct prefix_node *node;
	const struct rule *rule =
		list->prefixes ? prefix_longest(list->prefixes, path.data, path.len, &node) : NULL;
	while (rule && !found) {
		for (; rule && !found; rule = rule->same_prefix)
			found = note(rule, rule_match(question, rule, path), near);
		rule = prefix_shorter(&node);
	}
	for (uint32_t i = 0; !found && i < list->other_count; i++)
		found = note(list->others[i], rule_match(question, list->others[i], path), near);
	return found;
}

/* The rule that allows it, or NULL; *near: the first that almost does. */
const struct rule *list_match(struct question *question, const struct list *list,
			      const struct rule **near)
{
	const struct rule *found = match_one(question, list, question->path, near);
	if (question->target->kind != TARGET_PATHS)
		return found;
	if (found && match_one(question, list, question->to, near))
		return found;
	for (uint32_t i = 0; i < list->other_count; i++) {
		const struct rule *rule = list->others[i];
		if (rule->kind == RULE_PATHS && grant_holds(question, rule->grant) &&
		    rule_is_now(question, rule) &&
		    path_hits(question, &rule->paths.from, question->path) &&
		    path_hits(question, &rule->paths.to, question->to))
			return rule;
	}
	return NULL;
}
