/* SPDX-License-Identifier: Apache-2.0
 *
 * `child:` on an exec rule: which rule a process of the chain was started by. The exec is asked about
 * again, from the process that was started: by then its program and arguments are what the kernel ran.
 */
#include <string.h>

#include "policy_inner.h"

/* The image that forked copies run too. */
static const struct process *image_of(const struct process *process)
{
	while (process && process->how == PROCESS_FORK && process->parent)
		process = process->parent;
	return process;
}

static struct str str_of(const char *text)
{
	return (struct str){text, (uint32_t)strlen(text)};
}

static struct str base_of(struct str path)
{
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
	if (!slash)
		return path;
	return (struct str){slash + 1, (uint32_t)(path.data + path.len - slash - 1)};
}

/* The arguments as the exec had them: an interpreter's own, before the script, are not of those. */
static struct str argv_of(const struct process *process)
{
	const struct str whole = {process->argv, process->argv_len};
	struct str script = base_of(str_of(process->script));
	for (uint32_t at = 0; script.len && at < whole.len;) {
		struct str one = {whole.data + at, (uint32_t)strnlen(whole.data + at, whole.len - at)};
		struct str name = base_of(one);
		if (name.len == script.len && !memcmp(name.data, script.data, name.len))
			return (struct str){one.data, whole.len - at};
		at += one.len + 1;
	}
	return whole;
}

/* What was executed. asked: /usr/bin/awk is a link to /usr/bin/mawk, and argv says which was meant. */
static struct item_target target_of(const struct process *process, char *asked, size_t asked_bytes)
{
	struct item_target target = {.kind = TARGET_PROGRAM, .argv = argv_of(process)};
	struct str first = {target.argv.data, (uint32_t)strnlen(target.argv.data ? target.argv.data : "",
							       target.argv.len)};
	target.path = str_of(*process->script ? process->script : process->exe);
	target.asked = target.path;
	first = base_of(first);
	int len = snprintf(asked, asked_bytes, "/usr/bin/%.*s", (int)(first.len < 256 ? first.len : 256),
			   first.data ? first.data : "");
	if (first.len)
		target.asked = (struct str){asked, (uint32_t)len};
	return target;
}

/* What the rule says by which the process whose links end at `end` was started. */
static enum child_mode mode_at(struct question *question, const struct chain *chain,
			       const struct process *process, uint32_t end, uint32_t *ret_starter)
{
	char asked[sizeof("/usr/bin/") + 256];
	struct item_target target = target_of(process, asked, sizeof(asked));
	struct question inner = *question; /* not deep: what is_inner asks nothing of this */
	struct chain tail = *chain;
	struct charge charge;
	inner.action = WIRE_EXEC_RUN;
	inner.target = &target;
	inner.process = process->parent;
	inner.path = target.path;
	inner.to = (struct str){"", 0};
	inner.is_inner = true;
	inner.name_count = 0;
	inner.phases = PHASE_LOAD | PHASE_STARTUP | PHASE_STEADY; /* not known any more */
	tail.links = chain->links + end + 1;
	tail.count = chain->count - end - 1;
	tail.seen_count = tail.count;
	policy_charge(&inner, &tail, &charge);
	*ret_starter = end + 1 + charge.judged_at;
	return charge.answer.kind == ANSWER_ALLOWS && charge.answer.rule
		       ? (enum child_mode)charge.answer.rule->child
		       : CHILD_UNSAID;
}

void child_find(struct question *question, const struct chain *chain, struct child *ret_child)
{
	const struct process *process = image_of(question->process);
	*ret_child = (struct child){.mode = CHILD_UNSAID};
	for (uint32_t at = 0; process && process->parent && at < chain->count; at++) {
		if (!chain->links[at].starts_process || at + 1 >= chain->count)
			continue;
		ret_child->mode = mode_at(question, chain, process, at, &ret_child->starter);
		ret_child->end = at;
		if (ret_child->mode != CHILD_UNSAID)
			return;
		process = image_of(process->parent);
	}
}
