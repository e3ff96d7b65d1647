/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking what a probe would take, from ourselves and from a traced child.
 */
#ifndef TEST_UNWIND_OFFLINE_H
#define TEST_UNWIND_OFFLINE_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <ucontext.h>
#include <unistd.h>

#include "../../collector/unwind/unwind.h"

#define NOINLINE __attribute__((noinline))
#define COPY_BYTES (64u << 10)

static inline struct wire_kernel_regs regs_of_context(const ucontext_t *context)
{
	const greg_t *g = context->uc_mcontext.gregs;

	return (struct wire_kernel_regs){
		.r15 = (uint64_t)g[REG_R15],
		.r14 = (uint64_t)g[REG_R14],
		.r13 = (uint64_t)g[REG_R13],
		.r12 = (uint64_t)g[REG_R12],
		.bp = (uint64_t)g[REG_RBP],
		.bx = (uint64_t)g[REG_RBX],
		.r11 = (uint64_t)g[REG_R11],
		.r10 = (uint64_t)g[REG_R10],
		.r9 = (uint64_t)g[REG_R9],
		.r8 = (uint64_t)g[REG_R8],
		.ax = (uint64_t)g[REG_RAX],
		.cx = (uint64_t)g[REG_RCX],
		.dx = (uint64_t)g[REG_RDX],
		.si = (uint64_t)g[REG_RSI],
		.di = (uint64_t)g[REG_RDI],
		.ip = (uint64_t)g[REG_RIP],
		.sp = (uint64_t)g[REG_RSP],
	};
}

static inline struct wire_kernel_regs regs_of_traced(const struct user_regs_struct *r)
{
	return (struct wire_kernel_regs){.r15 = r->r15,
					 .r14 = r->r14,
					 .r13 = r->r13,
					 .r12 = r->r12,
					 .bp = r->rbp,
					 .bx = r->rbx,
					 .r11 = r->r11,
					 .r10 = r->r10,
					 .r9 = r->r9,
					 .r8 = r->r8,
					 .ax = r->rax,
					 .cx = r->rcx,
					 .dx = r->rdx,
					 .si = r->rsi,
					 .di = r->rdi,
					 .ip = r->rip,
					 .sp = r->rsp};
}

/* Up to where memory ends. Through the kernel: a sanitizer would object to reading all of it. */
static inline size_t stack_copy(int memory_fd, uint64_t sp, void *buffer, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		size_t want = 4096 - (sp + done) % 4096;
		ssize_t got = pread(memory_fd, (char *)buffer + done,
				    want < bytes - done ? want : bytes - done, (off_t)(sp + done));

		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return done;
}

static inline struct unwind_who who_of(int pid, int tid)
{
	return (struct unwind_who){(uint32_t)pid, (uint32_t)tid, 0};
}

/* For a failing test. */
static inline void stack_print(const struct unwind_stack *stack)
{
	char name[128];

	fprintf(stderr, "flags %u, %u frames\n", stack->flags, stack->count);
	for (uint32_t i = 0; i < stack->count; i++) {
		const struct unwind_frame *frame = &stack->frames[i];

		if (!unwind_symbol(frame->object, frame->offset, name, sizeof(name)))
			name[0] = 0;
		fprintf(stderr, "  %2u %#lx %.*s+%#lx kind %u flags %u %s\n", i,
			(unsigned long)frame->address, (int)frame->path_len, frame->path,
			(unsigned long)frame->offset, frame->kind, frame->flags, name);
	}
}

#endif
