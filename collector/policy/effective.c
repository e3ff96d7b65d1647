/* SPDX-License-Identifier: Apache-2.0
 *
 * What is in force once all layers are on top of each other: every rule with where it was written.
 * The output is for reading and diffing; values are as written, after ${NAME}.
 */
#include <string.h>

#include "policy_inner.h"
#include "version.h"

static void print_text(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			fprintf(file, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(file, "\\x%02x", c);
		else
			fputc(c, file);
	}
	fputc('"', file);
}

static void print_origin(FILE *file, const struct rule_ref *ref)
{
	fprintf(file, "  # ");
	for (const char *c = ref->file; *c; c++)
		fputc((unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c, file);
	fprintf(file, ":%u\n", ref->line);
}

static void print_rules(FILE *file, struct rule *const *rules, uint32_t count, const char *indent)
{
	for (uint32_t i = 0; i < count; i++) {
		fprintf(file, "%s- ", indent);
		print_text(file, rules[i]->text);
		print_origin(file, &rules[i]->ref);
	}
}

static const char *state_word(enum list_state state)
{
	return state == LIST_ANY ? " any" : state == LIST_NONE ? " none" : "";
}

static void print_family(FILE *file, const struct profile *profile, enum family family)
{
	const struct list *whole = &profile->families[family];
	bool is_simple = whole->state == LIST_ANY || whole->state == LIST_NONE;
	if (whole->state == LIST_ABSENT)
		return;
	fprintf(file, "    %s:%s", family_keys[family], is_simple ? state_word(whole->state) : "");
	print_origin(file, &whole->ref);
	for (unsigned action = 1; action < WIRE_ACTIONS && !is_simple; action++) {
		const struct list *list = &profile->lists[action];
		if (action_family(action) != family || !list->is_said)
			continue;
		bool is_order = action == WIRE_NET_EXCHANGE && list->state == LIST_NONE;
		fprintf(file, "      %s:%s", strchr(action_name(action), '.') + 1,
			is_order ? " request-response" : state_word(list->state));
		print_origin(file, &list->ref);
		if (list->state == LIST_RULES)
			print_rules(file, list->rules, list->count, "        ");
	}
}

/* "key: value" of a flow mapping, where there is a value. */
static void print_pair(FILE *file, const char **between, const char *key, const char *value)
{
	if (!value)
		return;
	fprintf(file, "%s%s: ", *between, key);
	print_text(file, value);
	*between = ", ";
}

static void print_match(FILE *file, const struct profile *profile)
{
	static const char *const kinds[] = {"package", "library", "executable", "python", "script"};
	fprintf(file, "    match:\n");
	for (uint32_t i = 0; i < profile->match_count; i++) {
		const struct match *match = &profile->matches[i];
		const char *between = "";
		struct rule_ref ref = ref_at(profile->name, match->place);
		fprintf(file, "      - {");
		print_pair(file, &between, kinds[match->kind],
			   match->has_subject ? match->subject.text : NULL);
		print_pair(file, &between, "package", match->has_package ? match->package.text : NULL);
		print_pair(file, &between, "version", match->version ? match->version->text : NULL);
		print_pair(file, &between, "build-id", match->build_id);
		print_pair(file, &between, "sha256", match->sha256);
		print_pair(file, &between, "origin", match->has_origin ? match->origin.text : NULL);
		fputc('}', file);
		print_origin(file, &ref);
	}
}

static void print_phases(FILE *file, unsigned phases)
{
	static const char *const words[] = {"load", "startup", "steady"};
	const char *between = "    phase: [";
	for (unsigned i = 0; i < 3; i++) {
		if (!(phases >> i & 1))
			continue;
		fprintf(file, "%s%s", between, words[i]);
		between = ", ";
	}
	if (phases)
		fprintf(file, "]\n");
}

static void print_profile(FILE *file, const struct policy *policy, const struct profile *profile)
{
	struct rule_ref ref = ref_at(profile->name, profile->place);
	const char *between = "";
	fprintf(file, "  - name: ");
	print_text(file, profile->name);
	print_origin(file, &ref);
	print_match(file, profile);
	if (profile->is_conduit)
		fprintf(file, "    role: conduit\n");
	else if (profile->carries) {
		fprintf(file, "    carries: [");
		for (unsigned action = 1; action < WIRE_ACTIONS; action++) {
			if (!(profile->carries >> action & 1))
				continue;
			fprintf(file, "%s%s", between, action_name(action));
			between = ", ";
		}
		fprintf(file, "]\n");
	}
	if (profile->is_baseless)
		fprintf(file, "    base: none\n");
	if (profile->watches_descendants || profile->watches_anywhere)
		fprintf(file, "    watch: [%s%s%s]\n",
			profile->watches_descendants ? "descendants" : "",
			profile->watches_descendants && profile->watches_anywhere ? ", " : "",
			profile->watches_anywhere ? "anywhere" : "");
	if (profile->is_pool)
		fprintf(file, "    threads: pool\n");
	if (profile->judges_attempts)
		fprintf(file, "    judge: attempts\n");
	print_phases(file, profile->phases);
	between = "";
	for (uint32_t i = 0; profile->exempt && i < policy->guard_count; i++) {
		if (!(profile->exempt >> i & 1))
			continue;
		fprintf(file, "%s%s", *between ? between : "    exempt: [", policy->guards[i].name);
		between = ", ";
	}
	if (profile->exempt)
		fprintf(file, "]\n");
	between = "";
	for (uint32_t i = 0; profile->secrets && i < policy->secret_count; i++) {
		if (!(profile->secrets >> i & 1))
			continue;
		fprintf(file, "%s%s", *between ? between : "    secrets: [", policy->secrets[i].name);
		between = ", ";
	}
	if (profile->secrets)
		fprintf(file, "]\n");
	for (unsigned family = 0; family < FAMILIES; family++)
		print_family(file, profile, family);
}

/* Rules of the base and of the guards, action by action. */
static void print_lists(FILE *file, const char *name, const struct list *lists)
{
	fprintf(file, "%s:\n", name);
	for (unsigned action = 1; action < WIRE_ACTIONS; action++) {
		if (!lists[action].count)
			continue;
		fprintf(file, "  %s:\n", action_name(action));
		print_rules(file, lists[action].rules, lists[action].count, "    ");
	}
}

static bool is_in_group(const struct rule *rule, uint32_t group)
{
	return rule->secret == group + 1;
}

static void print_secret_rules(FILE *file, const char *key, const struct list *list, uint32_t group)
{
	bool is_first = true;
	for (uint32_t i = 0; i < list->count; i++) {
		if (!is_in_group(list->rules[i], group))
			continue;
		if (is_first)
			fprintf(file, "    %s:\n", key);
		is_first = false;
		print_rules(file, &list->rules[i], 1, "      ");
	}
}

static void print_secrets(FILE *file, const struct policy *policy)
{
	fprintf(file, "secrets:\n");
	for (uint32_t i = 0; i < policy->secret_count; i++) {
		const struct secret_group *group = &policy->secrets[i];
		struct rule_ref ref = ref_at("secrets", group->place);
		fprintf(file, "  - name: ");
		print_text(file, group->name);
		print_origin(file, &ref);
		print_secret_rules(file, "variables", &policy->secret_rules[SECRET_VARIABLES], i);
		print_secret_rules(file, "files", &policy->secret_rules[SECRET_FILES], i);
		if (group->peer_count)
			fprintf(file, "    peers:\n");
		print_rules(file, group->peers, group->peer_count, "      ");
	}
	for (unsigned which = 0; which < SECRET_LISTS; which++)
		if (policy->secret_excepts[which].count) {
			fprintf(file, "  - except:\n");
			print_rules(file, policy->secret_excepts[which].rules,
				    policy->secret_excepts[which].count, "      ");
		}
}

void policy_print_effective(const struct policy *policy, FILE *file)
{
	fprintf(file, "# policy %s\n", policy->hash);
	if (policy->secret_count)
		print_secrets(file, policy);
	print_lists(file, "grants", policy->base);
	print_lists(file, "guards", policy->forbidden);
	fprintf(file, "profiles:\n");
	for (uint32_t i = 0; i < policy->profile_count; i++)
		print_profile(file, policy, policy->profiles[i]);
}
