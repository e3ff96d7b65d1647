/* SPDX-License-Identifier: Apache-2.0
 *
 * See explain.h.
 */
#include "explain.h"

#include <string.h>

#include "policy_inner.h"

static unsigned add_name(const char **names, unsigned count, unsigned max,
			 const struct profile *profile)
{
	if (!profile || count == max)
		return count;
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(names[i], profile->name))
			return count;
	names[count] = profile->name;
	return count + 1;
}

unsigned policy_profiles_of(struct policy *policy, const struct subject *subject,
			    const char **ret_names, unsigned max)
{
	const struct policy_binding *binding = policy_binding_of(policy, subject);
	unsigned count = add_name(ret_names, 0, max, binding->primary);
	for (unsigned family = 0; family < FAMILIES; family++)
		count = add_name(ret_names, count, max, binding->families[family]);
	count = add_name(ret_names, count, max, binding->watcher);
	/* What else it says (carries, exempt) may be another's. */
	for (uint32_t i = 0; binding->is_profiled && i < policy->profile_count; i++) {
		const struct profile *profile = policy->profiles[i];
		if (profile->said & (KEY_CARRIES | KEY_EXEMPT) && policy_matches(profile, subject))
			count = add_name(ret_names, count, max, profile);
	}
	return count;
}

const char *policy_profile_name(const struct policy *policy, unsigned at)
{
	return at < policy->profile_count ? policy->profiles[at]->name : NULL;
}
