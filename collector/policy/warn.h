/* SPDX-License-Identifier: Apache-2.0
 *
 * What is no error and still not meant so.
 */
#ifndef SOWATCH_POLICY_WARN_H
#define SOWATCH_POLICY_WARN_H

#include "policy_inner.h"

/* Each looks at the whole policy, after all files are read, and reports. */
void warn_shadow(struct loader *loader); /* rules that another makes superfluous */
void warn_layers(struct loader *loader); /* profiles that a later layer silences */
void warn_never(struct loader *loader);	 /* what cannot match */
void warn_wide(struct loader *loader);	 /* host names anybody can register */

/* Does whatever the second matches match the first, as far as that can be told? */
bool glob_covers(const struct glob *wide, const struct glob *narrow);

/* Calls with each list of rules: of profiles, of grants, of guards. */
void warn_each_list(struct loader *loader,
		    void (*look)(struct loader *loader, const struct list *list, unsigned action));

#endif
