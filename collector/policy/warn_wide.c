/* SPDX-License-Identifier: Apache-2.0
 *
 * Host names anybody could register a match for: whoever may reach `*.com` or `*.github.io` may
 * reach an attacker. What a public suffix is comes with libpsl, built in: nothing is read.
 */
#include <libpsl.h>
#include <string.h>

#include "warn.h"

/* Behind the last character that stands for others; NULL: it has none. */
static const char *fixed_tail(const char *text)
{
	const char *tail = NULL;
	for (const char *c = text; *c; c++)
		if (strchr("*?]", *c))
			tail = c + 1;
	return tail;
}

static void look_at_name(struct loader *loader, struct place place, const char *text)
{
	const char *tail = fixed_tail(text);
	const char *quoted = report_quote(&loader->scratch, text, strlen(text));
	if (!tail)
		return;
	if (!*tail || !strcmp(tail, ".")) {
		report_warning_of(&loader->reports, place, WARNING_WIDE,
				  "\"%s\" is also the name of any host on the internet", quoted);
	} else if (*tail != '.') {
		report_warning_of(&loader->reports, place, WARNING_WIDE,
				  "\"%s\" also matches names that only end like it, as evil%s; "
				  "write \"*.%s\"",
				  quoted, tail, tail);
	} else if (psl_is_public_suffix(psl_builtin(), tail + 1)) {
		report_warning_of(&loader->reports, place, WARNING_WIDE,
				  "anybody can have a name that matches \"%s\": \"%s\" is a "
				  "public suffix",
				  quoted, tail + 1);
	}
}

static void look_at_list(struct loader *loader, const struct list *list, unsigned action)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct rule *rule = list->rules[i];
		if (rule->guard)
			continue; /* forbids: wide is what it should be */
		if (rule->kind == RULE_NAME && action == WIRE_NET_RESOLVE)
			look_at_name(loader, rule->place, rule->name.text);
		for (uint32_t t = 0; rule->kind == RULE_PEER && t < rule->peer.to_count; t++)
			if (rule->peer.to[t].kind == PEER_NAME)
				look_at_name(loader, rule->place, rule->peer.to[t].glob.text);
	}
}

void warn_wide(struct loader *loader)
{
	warn_each_list(loader, look_at_list);
}
