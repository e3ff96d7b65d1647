/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking before we read. A pointer the kernel has just read through is good; where a call failed
 * before the kernel came to it, or will only be read by the call to come, nobody has vouched for
 * it, and a program that passes a bad one must get its EFAULT, not a crash of ours.
 *
 * rt_sigprocmask copies a mask in before it looks at `how`: EFAULT when it cannot, EINVAL when it
 * can (kernel/signal.c; Abseil's AddressIsReadable leans on the same). It needs no permission, no
 * descriptor and 50 ns. With a filter installed we ask nothing: unknown counts as unreadable.
 */
#include "hook.h"

#define PAGE 4096ull
#define ARG_BYTES_MAX (128u << 10) /* execve refuses longer ones: MAX_ARG_STRLEN */

/* The page of the last good answer saves most questions: an environment is contiguous. */
struct looked {
	uint64_t page;
};
#define NOT_YET { UINT64_MAX }

static bool page_is_readable(struct looked *looked, uint64_t address)
{
	if (address / PAGE == looked->page)
		return true;
	/* No mask at NULL is no mask: nothing would be read. */
	if (address < PAGE || session.has_seccomp ||
	    sys_call4(SYS_rt_sigprocmask, -1, address & ~7ull, NULL, 8) == -EFAULT)
		return false;
	looked->page = address / PAGE;
	return true;
}

bool memory_is_readable(const void *memory, size_t bytes)
{
	uint64_t at = (uint64_t)memory, end = at + bytes;
	struct looked looked = NOT_YET;

	if (end < at)
		return false;
	for (; at < end; at = (at / PAGE + 1) * PAGE)
		if (!page_is_readable(&looked, at))
			return false;
	return true;
}

static bool text_is_readable(struct looked *looked, const char *text)
{
	uint64_t at = (uint64_t)text;

	while (at - (uint64_t)text < ARG_BYTES_MAX) {
		size_t rest = (size_t)(PAGE - at % PAGE);

		if (!page_is_readable(looked, at))
			return false;
		if (memchr((const void *)at, 0, rest))
			return true;
		at += rest;
	}
	return true;
}

bool string_is_readable(const char *text)
{
	struct looked looked = NOT_YET;

	return text_is_readable(&looked, text);
}

bool strings_are_readable(char *const list[])
{
	struct looked entries = NOT_YET, texts = NOT_YET;

	if (!list)
		return true;
	for (;; list++) {
		if (!page_is_readable(&entries, (uint64_t)list) ||
		    !page_is_readable(&entries, (uint64_t)list + sizeof(char *) - 1))
			return false;
		if (!*list)
			return true;
		if (!text_is_readable(&texts, *list))
			return false;
	}
}
