/* SPDX-License-Identifier: Apache-2.0
 *
 * What would have to be added to a policy so that an event is allowed: as little as possible, and
 * tried out before it is told.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "explain_inner.h"

/* The YAML as it grows. */
struct mend {
	struct pool *pool;
	struct question *question;
	const char *text;
	const char *problem;
};

static void add(struct mend *mend, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct mend *mend, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	mend->text = pool_print(mend->pool, "%s%s", mend->text,
				pool_print_list(mend->pool, format, list));
	va_end(list);
}

/* Length of one UTF-8 character that YAML may hold as it is, or 0. */
static unsigned character(const unsigned char *at, size_t left)
{
	unsigned count = *at < 0x80 ? 1 : *at >> 5 == 6 ? 2 : *at >> 4 == 14 ? 3 : 0;
	if (!count || count > left || *at < 0x20 || *at == 0x7f || (count == 2 && *at < 0xc4) ||
	    (count == 3 && (*at == 0xe0 || *at == 0xed || *at == 0xef || *at == 0xe2)))
		return 0;
	for (unsigned i = 1; i < count; i++)
		if (at[i] >> 6 != 2)
			return 0;
	return count;
}

/* In double quotes, with what globs would read as something else taken as it is. What YAML cannot
 * hold becomes `?`. */
static const char *quoted(struct pool *pool, struct str text, bool is_glob)
{
	char *out = pool_alloc(pool, (size_t)text.len * 4 + 3), *to = out;
	*to++ = '"';
	for (uint32_t i = 0; i < text.len;) {
		unsigned char c = (unsigned char)text.data[i];
		unsigned count = character((const unsigned char *)text.data + i, text.len - i);
		if (!count) {
			*to++ = '?';
			i++;
			continue;
		}
		if (is_glob && strchr("*?[\\{}", c)) { /* with \{ there is no variable either */
			*to++ = '\\';
			*to++ = '\\';
		}
		if (c == '"' || c == '\\')
			*to++ = '\\';
		memcpy(to, text.data + i, count);
		to += count;
		i += count;
	}
	*to++ = '"';
	return out;
}

static const char *quoted_text(struct pool *pool, const char *text)
{
	return quoted(pool, (struct str){text, (uint32_t)strlen(text)}, false);
}

/* A path below the home directory is ~/ in every home. */
static const char *quoted_path(const struct mend *mend, struct str path)
{
	const char *home = mend->question->process ? mend->question->process->home : "";
	size_t len = strlen(home);
	while (len && home[len - 1] == '/')
		len--;
	if (path.len >= 6 && !memcmp(path.data, "memfd:", 6))
		return pool_print(mend->pool, "\"/%s", quoted(mend->pool, path, true) + 1);
	if (*home != '/' || len < 2 || path.len <= len + 1 || memcmp(path.data, home, len) ||
	    path.data[len] != '/')
		return quoted(mend->pool, path, true);
	path = (struct str){path.data + len, path.len - (uint32_t)len};
	return pool_print(mend->pool, "\"~%s", quoted(mend->pool, path, true) + 1);
}

static void add_peer(struct mend *mend)
{
	const struct question *question = mend->question;
	const struct item_target *target = question->target;
	char address[INET6_ADDRSTRLEN] = "";
	if (target->kind == TARGET_UNIX) {
		add(mend, "{to: [\"unix:%s]}", quoted(mend->pool, target->path, true) + 1);
		return;
	}
	inet_ntop(target->address_len == 4 ? AF_INET : AF_INET6, target->address, address,
		  sizeof(address));
	const char *name = question->name_count ? question->names[0] : address;
	add(mend, "{to: [%s]", quoted_text(mend->pool, name));
	if (question->action != WIRE_NET_ACCEPT) /* there the port is any */
		add(mend, ", ports: [%u]", target->port);
	if (target->proto == PROTO_TCP || target->proto == PROTO_UDP)
		add(mend, ", proto: %s", target->proto == PROTO_TCP ? "tcp" : "udp");
	add(mend, "}");
}

static void add_program(struct mend *mend)
{
	struct str argv = mend->question->target->argv;
	const char *at = argv.data, *end = argv.data + argv.len;
	const char *between = "";
	add(mend, "{program: %s", quoted_path(mend, mend->question->path));
	if (argv.len)
		add(mend, ", args: [");
	for (bool is_first = true; argv.len && at < end; is_first = false) {
		struct str one = {at, (uint32_t)strnlen(at, (size_t)(end - at))};
		if (!is_first) {
			/* An empty one cannot be written, and only * stands for it. */
			add(mend, "%s%s", between,
			    one.len ? quoted(mend->pool, one, true) : "\"*\"");
			between = ", ";
		}
		at += one.len + 1;
	}
	add(mend, "%s}", argv.len ? "]" : "");
}

/* The one rule that lets the event pass. */
static void add_rule(struct mend *mend)
{
	const struct question *question = mend->question;
	const struct item_target *target = question->target;
	switch (target->kind) {
	case TARGET_PEER:
	case TARGET_UNIX:
		add_peer(mend);
		break;
	case TARGET_PATHS:
		add(mend, "{from: %s, to: %s}", quoted_path(mend, question->path),
		    quoted_path(mend, question->to));
		break;
	case TARGET_PROGRAM:
		add_program(mend);
		break;
	case TARGET_NAME:
		add(mend, "%s",
		    quoted(mend->pool, (struct str){question->host, (uint32_t)question->host_len},
			   true));
		break;
	case TARGET_VARIABLE:
		add(mend, "%s", quoted(mend->pool, target->path, true));
		break;
	default:
		add(mend, "%s", quoted_path(mend, question->path));
	}
}

static void add_family(struct mend *mend)
{
	unsigned action = mend->question->action;
	const char *key = strchr(action_name(action), '.') + 1;
	add(mend, "    %s:\n      %s:", family_keys[action_family(action)], key);
	if (action == WIRE_EXEC_CODE || action == WIRE_EXEC_INSPECT) {
		add(mend, " any\n");
		return;
	}
	add(mend, "\n        - ");
	add_rule(mend);
	add(mend, "\n");
}

/* --- who gets it --------------------------------------------------------------------------------
 */

/* One profile of the mend: what it gets and why. */
struct patch {
	const struct profile *profile; /* to be extended; NULL: a new one for subject */
	const struct subject *subject;
	bool wants_rule;
	uint64_t exempt, secrets;
};
#define PATCHES_MAX POLICY_OUTCOMES

struct patches {
	struct patch list[PATCHES_MAX];
	unsigned count;
};

static struct patch *patch_for(struct patches *patches, const struct profile *profile,
			       const struct subject *subject)
{
	for (unsigned i = 0; i < patches->count; i++)
		if (patches->list[i].profile == profile &&
		    (profile || patches->list[i].subject == subject))
			return &patches->list[i];
	if (patches->count == PATCHES_MAX)
		return NULL;
	patches->list[patches->count] = (struct patch){.profile = profile, .subject = subject};
	return &patches->list[patches->count++];
}

/* What a guard forbids is allowed to whom it is charged, and only by trust in his file. */
static void patch_guard(struct inquiry *inquiry, const struct outcome *outcome,
			struct patches *patches)
{
	struct policy *policy = inquiry->question->policy;
	const struct subject *subject = outcome->charged->subject;
	const struct policy_binding *binding = policy_binding_of(policy, subject);
	bool is_extended = binding->primary && *subject->package;
	struct patch *patch = patch_for(patches, is_extended ? binding->primary : NULL, subject);
	const struct list *list = &policy->forbidden[inquiry->question->action];
	for (uint32_t i = 0; patch && i < list->count; i++)
		if (list->rules[i]->ref.file == outcome->rule.file &&
		    list->rules[i]->ref.line == outcome->rule.line)
			patch->exempt |= 1ull << (list->rules[i]->guard - 1);
}

/* Whoever names his peers names one more; for others the secrets are made their own. */
static void patch_sequence(struct inquiry *inquiry, const struct outcome *outcome,
			   struct patches *patches)
{
	struct question *question = inquiry->question;
	const struct subject *subject = outcome->charged->subject;
	const struct policy_binding *binding = policy_binding_of(question->policy, subject);
	const struct profile *profile = binding->families[FAMILY_NET];
	enum list_state state = profile ? profile->lists[question->action].state : LIST_ABSENT;
	bool is_named = profile && !profile->is_learned && state != LIST_ANY;
	bool is_extended = is_named || (binding->primary && *subject->package);
	struct patch *patch = patch_for(
		patches, is_named ? profile : is_extended ? binding->primary : NULL, subject);
	if (!patch)
		return;
	patch->wants_rule |= is_named;
	if (!is_named)
		patch->secrets = sequence_groups(question->policy, question->model,
						 question->event, outcome);
}

static void patch_rule(struct inquiry *inquiry, const struct outcome *outcome,
		       struct patches *patches)
{
	const struct policy_binding *binding =
		policy_binding_of(inquiry->question->policy, outcome->judged_by->subject);
	enum family family = action_family(inquiry->question->action);
	const struct profile *profile = binding->families[family];
	struct patch *patch =
		profile ? patch_for(patches, profile, outcome->judged_by->subject) : NULL;
	if (patch)
		patch->wants_rule = true;
}

static const char *subject_key(const struct subject *subject)
{
	static const char *const keys[] = {[SUBJECT_LIBRARY] = "library",
					   [SUBJECT_EXECUTABLE] = "executable",
					   [SUBJECT_PYTHON] = "python",
					   [SUBJECT_SCRIPT] = "script"};
	return subject->kind < SUBJECT_CODE ? keys[subject->kind] : NULL;
}

static void add_head(struct mend *mend, const struct patch *patch)
{
	const struct subject *subject = patch->subject;
	const char *name;
	if (patch->profile) {
		name = quoted_text(mend->pool, patch->profile->name);
		add(mend, "  - name: %s\n    extends: %s\n", name, name);
		return;
	}
	while (subject->kind == SUBJECT_CODE && subject->maker)
		subject = subject->maker;
	const char *key = subject_key(subject);
	struct str path = {subject->path, (uint32_t)strlen(subject->path)};
	if (!key || *subject->path != '/') {
		mend->problem = "the file behind this code is not known, so no profile can name it";
		return;
	}
	name = pool_print(mend->pool, "%s at its path", subject->name);
	add(mend, "  - name: %s\n    match: {%s: %s}\n", quoted_text(mend->pool, name), key,
	    quoted(mend->pool, path, true));
}

static void add_exempt(struct mend *mend, uint64_t exempt)
{
	const struct policy *policy = mend->question->policy;
	const char *between = "";
	add(mend, "    exempt: [");
	for (uint32_t i = 0; i < policy->guard_count; i++) {
		if (!(exempt >> i & 1))
			continue;
		add(mend, "%s%s", between, quoted_text(mend->pool, policy->guards[i].name));
		between = ", ";
	}
	add(mend, "]\n");
}

static void add_secrets(struct mend *mend, uint64_t secrets)
{
	const struct policy *policy = mend->question->policy;
	const char *between = "";
	add(mend, "    secrets: [");
	for (uint32_t i = 0; i < policy->secret_count; i++) {
		if (!(secrets >> i & 1))
			continue;
		add(mend, "%s%s", between, quoted_text(mend->pool, policy->secrets[i].name));
		between = ", ";
	}
	add(mend, "]\n");
}

/* --- tried out ----------------------------------------------------------------------------------
 */

static const char *stored_variable(void *arg, const char *name)
{
	const struct policy_variable *variables;
	unsigned count = policy_variables(arg, &variables);
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(variables[i].name, name))
			return variables[i].value;
	return NULL;
}

/* Loaded on top of the policy: is the event allowed then? */
static bool does_mend(struct inquiry *inquiry, const char *yaml)
{
	struct question *question = inquiry->question;
	struct pool *pool = &inquiry->explanation->pool;
	const struct policy_text *texts;
	unsigned count = policy_texts(question->policy, &texts);
	struct policy_text *all = pool_alloc(pool, (count + 2) * sizeof(*all));
	struct policy_options options = {.variable = stored_variable,
					 .variable_arg = question->policy};
	struct policy *policy = NULL;
	struct outcome outcomes[POLICY_OUTCOMES];
	bool is_good = true;
	memcpy(all, texts, count * sizeof(*all));
	all[count] = (struct policy_text){.path = (char *)"", .text = (char *)""};
	all[count + 1] = (struct policy_text){
		.path = (char *)"added.yaml", .text = (char *)yaml, .len = strlen(yaml)};
	if (policy_load_texts(all, count + 2, &options, &policy))
		return false;
	unsigned found = policy_judge(policy, question->model, question->event, outcomes);
	for (unsigned i = 0; i < found; i++)
		is_good &= outcomes[i].kind == OUTCOME_ALLOWED ||
			   (!i && outcomes[i].kind == OUTCOME_NOT_JUDGED &&
			    inquiry->explanation->outcomes[0].kind == OUTCOME_NOT_JUDGED);
	policy_free(policy);
	return is_good;
}

void explain_mend(struct inquiry *inquiry)
{
	struct explanation *explanation = inquiry->explanation;
	struct patches patches = {0};
	struct mend mend = {.pool = &explanation->pool, .question = inquiry->question};
	mend.text = "version: 1\nprofiles:\n";
	for (unsigned i = 0; i < explanation->outcome_count; i++) {
		const struct outcome *outcome = &explanation->outcomes[i];
		if (outcome->kind != OUTCOME_DEVIATES && outcome->kind != OUTCOME_UNHEARD)
			continue;
		if (outcome->secret)
			patch_sequence(inquiry, outcome, &patches);
		else if (outcome->rule.profile && !strcmp(outcome->rule.profile, "guards"))
			patch_guard(inquiry, outcome, &patches);
		else
			patch_rule(inquiry, outcome, &patches);
	}
	if (!patches.count)
		return;
	for (unsigned i = 0; i < patches.count; i++) {
		add_head(&mend, &patches.list[i]);
		if (patches.list[i].exempt)
			add_exempt(&mend, patches.list[i].exempt);
		if (patches.list[i].secrets)
			add_secrets(&mend, patches.list[i].secrets);
		if (patches.list[i].wants_rule)
			add_family(&mend);
	}
	if (!mend.problem && !does_mend(inquiry, mend.text))
		mend.problem = "no single rule was found that allows it";
	if (mend.problem)
		explanation->mend_problem = mend.problem;
	else
		explanation->mend = mend.text;
}
