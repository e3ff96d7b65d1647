/* SPDX-License-Identifier: Apache-2.0
 *
 * `redact`: patterns for the source, which hides what they find before anything is stored. Here they
 * are only looked at: a bad one is an error of the policy, not of the run.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "policy_inner.h"

#define PATTERNS_MAX 64u
#define PATTERN_BYTES_MAX 1024u

static bool check_pattern(struct loader *loader, const struct node *written, const char *text)
{
	PCRE2_UCHAR why[128] = "";
	PCRE2_SIZE offset;
	int code;
	pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, &code,
					     &offset, NULL);
	pcre2_code_free(compiled);
	if (compiled)
		return true;
	pcre2_get_error_message(code, why, sizeof(why));
	report_error(&loader->reports, written->place, "bad pattern \"%s\" at character %zu: %s",
		     report_quote(&loader->scratch, text, strlen(text)), (size_t)offset + 1,
		     (const char *)why);
	return false;
}

static bool check_glob(struct loader *loader, const struct node *written, const char *text)
{
	struct glob glob;
	return compile_glob(loader, written, text, strlen(text), GLOB_NAME, &glob);
}

static void compile_pattern(struct loader *loader, struct node *written)
{
	struct policy *policy = loader->policy;
	struct node *node = loader_expand(loader, written, false);
	if (!node)
		return;
	bool is_glob = !strncmp(node->text, "glob:", 5);
	if (policy->redact_count == PATTERNS_MAX || node->len > PATTERN_BYTES_MAX) {
		report_error(&loader->reports, written->place, "%s",
			     node->len > PATTERN_BYTES_MAX ? "the pattern is too long"
							   : "there are too many patterns");
		return;
	}
	if (is_glob ? !check_glob(loader, written, node->text + 5)
		    : !check_pattern(loader, written, node->text))
		return;
	if (!policy->redact)
		policy->redact =
			pool_alloc(&policy->pool, (PATTERNS_MAX + 1) * sizeof(*policy->redact));
	policy->redact[policy->redact_count++] = pool_copy(&policy->pool, node->text, node->len);
}

void compile_redact(struct loader *loader, const struct node *root)
{
	struct node *value = schema_get(root, AT_TOP, "redact");
	for (struct node *item = texts_first(value); item; item = value == item ? NULL : item->next)
		compile_pattern(loader, item);
}

const char *const *policy_redact(const struct policy *policy)
{
	return policy->redact;
}
