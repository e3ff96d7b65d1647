/* SPDX-License-Identifier: Apache-2.0
 *
 * What target.c (the shim's events) and target_kernel.c (the probes') have in common.
 */
#ifndef SOWATCH_SOURCE_TARGET_H
#define SOWATCH_SOURCE_TARGET_H

#include "live.h"

/* Fills target->package from target->path, which must be NUL-terminated. */
void target_package(struct live *live, const struct proc *proc, struct item_target *target);
/* Relative paths are below the working directory. */
enum path_result target_path(struct live *live, const struct proc *proc, struct str path,
			     bool follow, struct path_buffer *ret);
/* Only action and detail of the event are looked at. */
uint32_t target_peer(struct live *live, const struct proc *proc, const struct wire_event *event,
		     struct str blob);
uint32_t target_inspect(struct live *live, const struct proc *proc,
			const struct wire_event *event, struct str path);

#endif
