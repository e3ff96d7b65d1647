/* SPDX-License-Identifier: Apache-2.0
 *
 * Who wrote which file, for rules about programs that their own side dropped. Who is charged with a
 * writing is the policy's to say, so it is noted here and kept by the model.
 */
#include <string.h>

#include "pipeline_inner.h"

bool drops_ask(const struct pipeline *pipeline, const struct item_event *event)
{
	return policy_wants_drops(pipeline->policy) && event->result >= 0 &&
	       (event->action == WIRE_FILE_WRITE || event->action == WIRE_FILE_RENAME ||
		event->action == WIRE_FILE_LINK);
}

/* Devices and the kernel's own files are nobody's program. */
static bool is_place(struct str path, const char *place)
{
	size_t len = strlen(place);
	return path.len > len && !memcmp(path.data, place, len);
}

int drops_note(struct pipeline *pipeline, const struct item_event *event, const struct chain *chain,
	       const struct outcome *outcome)
{
	const struct item_target *target = model_target(pipeline->model, event->target);
	const struct process *process = model_process(pipeline->model, event->process);
	struct subject *writer = outcome->charged->subject;
	if (!target || !target->path.len || is_place(target->path, "/dev/") ||
	    is_place(target->path, "/proc/") || is_place(target->path, "/sys/"))
		return 0;
	/* A linker's libraries write what it links. */
	bool is_counted = policy_counts_drop(pipeline->policy, writer) &&
			  policy_counts_drop(pipeline->policy, process->exe_subject);
	if (event->action == WIRE_FILE_WRITE)
		return model_drop_note(pipeline->model, target->path,
				       is_counted ? writer : NULL, chain);
	const struct drop *drop = model_drop_of(pipeline->model, target->path);
	return drop && target->to.len ? model_drop_note(pipeline->model, target->to, drop->writer,
							 drop->chain)
				      : 0;
}
