/* SPDX-License-Identifier: Apache-2.0
 *
 * A learned profile as YAML: sorted, one rule a line, nothing in it that changes when nothing new
 * was seen but the few lines of the head.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../sink/words.h"
#include "learn_inner.h"

/* --- scalars ----------------------------------------------------------------------------------- */

static bool is_plain(const char *string)
{
	size_t len = strlen(string);
	if (!len || strchr("-+.", string[0]) || string[len - 1] == ' ')
		return false;
	for (const char *c = string; *c; c++) {
		bool is_good = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			       (*c >= '0' && *c <= '9') || strchr("/._+-@=", *c);
		if (!is_good || (c == string && strchr("@=", *c)))
			return false;
	}
	return true;
}

/* What an editor or a terminal would act upon instead of showing it. */
static bool is_hidden(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) || c == 0x061c ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       c >= 0xfff0;
}

static void write_scalar(struct text *text, const char *string)
{
	size_t len = strlen(string);
	if (is_plain(string)) {
		text_add(text, string);
		return;
	}
	text_add(text, "\"");
	for (size_t at = 0; at < len;) {
		uint32_t c = 0xfffd;
		size_t bytes = utf8_length(string + at, len - at, &c);
		if (!bytes)
			text_add(text, "?"); /* what no policy can hold */
		else if (c == '"' || c == '\\')
			text_addf(text, "\\%c", (char)c);
		else if (c == '\n')
			text_add(text, "\\n");
		else if (is_hidden(c))
			text_addf(text, c < 0x100 ? "\\x%02X" : c < 0x10000 ? "\\u%04X" : "\\U%08X",
				  c);
		else
			text_addf(text, "%.*s", (int)bytes, string + at);
		at += bytes ? bytes : 1;
	}
	text_add(text, "\"");
}

/* --- rules ------------------------------------------------------------------------------------- */

static void write_ports(struct text *text, const struct learned_rule *rule)
{
	for (uint32_t i = 0; i < rule->port_count; i++) {
		const struct rule_ports *ports = &rule->ports[i];
		text_add(text, i ? ", " : ", ports: [");
		if (ports->low == ports->high)
			text_addf(text, "%u", ports->low);
		else
			text_addf(text, "\"%u-%u\"", ports->low, ports->high);
	}
	text_add(text, rule->port_count ? "]" : "");
}

static void write_arguments(struct text *text, const struct learned_rule *rule)
{
	text_add(text, ", args: [");
	for (uint32_t i = 1; i < rule->part_count; i++) {
		text_add(text, i > 1 ? ", " : "");
		/* There is no glob for nothing at all. */
		write_scalar(text, *rule->parts[i] ? rule->parts[i] : "*");
	}
	if (rule->takes_rest)
		text_add(text, rule->part_count > 1 ? ", \"**\"" : "\"**\"");
	text_add(text, "]");
}

static void write_body(struct text *text, const struct learned_rule *rule)
{
	switch (rule->action) {
	case WIRE_NET_RESOLVE:
	case WIRE_ENV_READ:
		text_add(text, "name: ");
		write_scalar(text, rule->parts[0]);
		return;
	case WIRE_FILE_RENAME:
	case WIRE_FILE_LINK:
		text_add(text, "from: ");
		write_scalar(text, rule->parts[0]);
		text_add(text, ", to: ");
		write_scalar(text, rule->part_count > 1 ? rule->parts[1] : rule->parts[0]);
		return;
	case WIRE_EXEC_RUN:
		text_add(text, "program: ");
		write_scalar(text, rule->parts[0]);
		write_arguments(text, rule);
		return;
	}
	bool is_peer = rule->action <= WIRE_NET_SEND;
	text_add(text, is_peer ? "to: [" : "path: ");
	write_scalar(text, rule->parts[0]);
	text_add(text, is_peer ? "]" : "");
	write_ports(text, rule);
	if (*rule->proto)
		text_addf(text, ", proto: %s", rule->proto);
}

static void write_rule(struct text *text, const struct learned_rule *rule)
{
	text_addf(text, "        - {id: %s, ", rule->id);
	write_body(text, rule);
	text_add(text, "}\n");
}

static void write_family(struct text *text, enum learn_family family,
			 const struct learned_rules *rules)
{
	uint32_t action = 0;
	text_addf(text, "    %s:", learn_family_name(family));
	for (uint32_t i = 0; i < rules->count; i++) {
		const struct learned_rule *rule = &rules->items[i];
		if (learn_family_of(rule->action) != family)
			continue;
		const char *name = strchr(words_action((uint8_t)rule->action), '.') + 1;
		bool is_switch =
			rule->action == WIRE_EXEC_CODE || rule->action == WIRE_EXEC_INSPECT;
		if (action != rule->action)
			text_addf(text, "%s      %s:%s\n", action ? "" : "\n", name,
				  is_switch ? " any" : "");
		action = rule->action;
		if (!is_switch)
			write_rule(text, rule);
	}
	text_add(text, action ? "" : " none\n");
}

/* --- match ------------------------------------------------------------------------------------- */

static void write_paths(struct text *text, struct pool *pool, const struct strings *paths)
{
	struct normal_value *values = pool_alloc(pool, (paths->count + 1) * sizeof(*values));
	struct normal_pattern *patterns;
	for (uint32_t i = 0; i < paths->count; i++)
		values[i] = (struct normal_value){.parts = &paths->items[i], .count = 1, .index = i};
	uint32_t count =
		normal_fold(pool, NULL, NORMAL_PATH, values, paths->count, &patterns);
	text_add(text, count > 1 ? "[" : "");
	for (uint32_t i = 0; i < count; i++) {
		text_add(text, i ? ", " : "");
		write_scalar(text, patterns[i].parts[0]);
	}
	text_add(text, count > 1 ? "]" : "");
}

/* By name and the package that owns it, else by its place: the name elsewhere is somebody else. */
static void write_match(struct text *text, struct pool *pool, const struct fact_subject *subject)
{
	text_addf(text, "    match: {%s: ", words_kind(subject->kind));
	if (subject->kind == SUBJECT_PYTHON) {
		write_scalar(text, normal_quote(pool, subject->name));
	} else if (*subject->package && !strchr(subject->name, '/')) {
		write_scalar(text, normal_quote(pool, subject->name));
		text_add(text, ", package: ");
		write_scalar(text, normal_quote(pool, subject->package));
	} else {
		write_paths(text, pool, &subject->paths);
	}
	text_add(text, "}\n");
}

void write_profile(struct text *text, struct pool *pool, const char *name,
		   const struct fact_subject *subject, uint32_t families,
		   const struct learned_rules *rules)
{
	text_add(text, "  - name: ");
	write_scalar(text, name);
	text_add(text, "\n");
	write_match(text, pool, subject);
	for (unsigned family = 0; family < LEARN_FAMILIES; family++)
		if (families >> family & 1)
			write_family(text, family, rules);
}

/* --- the head ---------------------------------------------------------------------------------- */

static void write_day(struct text *text, uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000u);
	struct tm tm;
	char day[32] = "1970-01-01";
	if (gmtime_r(&seconds, &tm))
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	text_add(text, day);
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void write_origin(struct text *text, const struct learned *learned)
{
	const struct facts *facts = &learned->facts;
	uint64_t first = UINT64_MAX, last = 0;
	for (uint32_t i = 0; i < facts->run_count; i++) {
		first = facts->runs[i].start_ns < first ? facts->runs[i].start_ns : first;
		last = facts->runs[i].end_ns > last ? facts->runs[i].end_ns : last;
	}
	text_addf(text, "# Learned by sowatch from %u run%s, ", facts->run_count,
		  plural(facts->run_count));
	write_day(text, facts->run_count ? first : 0);
	text_add(text, " to ");
	write_day(text, last);
	text_add(text, ".\n");
}

static void write_kept(struct text *text, const struct learn_profile *profile)
{
	if (profile->kept)
		text_addf(text, "# Kept from runs that were not read again: %u rule%s.\n",
			  profile->kept, plural(profile->kept));
}

static void write_estimate(struct text *text, const struct learn_profile *profile)
{
	const struct learn_estimate *said = &profile->estimate;
	if (!said->rules && !profile->kept) {
		text_add(text, "# Not complete: it was there, and did nothing that needs a rule; what "
			       "it does first\n# will deviate.\n");
		return;
	}
	/* Good and Turing: the share of the unseen is that of what was seen once. */
	uint64_t unseen = said->events ? (uint64_t)said->once * 1000 / said->events : 0;
	text_addf(text,
		  "# Not complete: %u of %u rule%s first needed in the last quarter of what was "
		  "recorded,\n# %u on one event alone; about %llu in 1000 further actions would be "
		  "new.\n",
		  said->new_rules, said->rules, said->rules == 1 ? "" : "s", said->once,
		  (unsigned long long)unseen);
}

/* Every kind of hole once, with the number of runs that had it. */
static void write_holes(struct text *text, const struct learned *learned)
{
	const struct facts *facts = &learned->facts;
	bool is_first = true;
	for (unsigned kind = 1; kind < HOLE_KINDS; kind++) {
		uint32_t runs = 0;
		for (uint32_t i = 0; i < facts->run_count; i++)
			for (uint32_t hole = 0; hole < facts->runs[i].hole_count; hole++)
				runs += !strcmp(facts->runs[i].holes[hole].name,
						words_hole((uint8_t)kind));
		if (!runs)
			continue;
		text_addf(text, "%s%s (%u run%s)", is_first ? "# Holes in what was recorded: " : ", ",
			  words_hole((uint8_t)kind), runs, plural(runs));
		is_first = false;
	}
	text_add(text, is_first ? "" : ".\n");
	for (uint32_t i = 0; i < facts->run_count; i++)
		if (!strcmp(facts->runs[i].vantage, "kernel")) {
			text_add(text, "# The kernel alone watched a run: loads, variables and names "
				       "that were asked for are not seen then.\n");
			break;
		}
}

void learn_write_yaml(const struct learned *learned, const struct learn_profile *profile,
		      struct text *text)
{
	text_clear(text);
	write_origin(text, learned);
	write_estimate(text, profile);
	write_kept(text, profile);
	write_holes(text, learned);
	text_addf(text,
		  "# Evidence, by rule id: %s.evidence.json. Written anew by `sowatch learn`: what a "
		  "person\n# decides goes into a file of its own, which wins.\n",
		  profile->file_name);
	text_add(text, "version: 1\nprofiles:\n");
	write_profile(text, learned->facts.pool, profile->name, profile->subject, profile->families,
		      &profile->rules);
}
