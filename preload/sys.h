/* SPDX-License-Identifier: Apache-2.0
 *
 * Raw system calls for the shim's own needs. Not libc's wrappers: those may be interposed by us or
 * by another preload, set errno, and are cancellation points. Results are kernel style: < 0 is
 * -errno. Needs no relocation, so it also works before the loader has reached us.
 */
#ifndef SOWATCH_SYS_H
#define SOWATCH_SYS_H

#include <stdint.h>
#include <sys/syscall.h>

static inline long sys6(long n, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#define SYS_ARG_(x) ((long)(x))
#define sys_call0(n) sys6(n, 0, 0, 0, 0, 0, 0)
#define sys_call1(n, a) sys6(n, SYS_ARG_(a), 0, 0, 0, 0, 0)
#define sys_call2(n, a, b) sys6(n, SYS_ARG_(a), SYS_ARG_(b), 0, 0, 0, 0)
#define sys_call3(n, a, b, c) sys6(n, SYS_ARG_(a), SYS_ARG_(b), SYS_ARG_(c), 0, 0, 0)
#define sys_call4(n, a, b, c, d)                                                                   \
	sys6(n, SYS_ARG_(a), SYS_ARG_(b), SYS_ARG_(c), SYS_ARG_(d), 0, 0)
#define sys_call5(n, a, b, c, d, e)                                                                \
	sys6(n, SYS_ARG_(a), SYS_ARG_(b), SYS_ARG_(c), SYS_ARG_(d), SYS_ARG_(e), 0)
#define sys_call6(n, a, b, c, d, e, f)                                                             \
	sys6(n, SYS_ARG_(a), SYS_ARG_(b), SYS_ARG_(c), SYS_ARG_(d), SYS_ARG_(e), SYS_ARG_(f))

/* A libc-style result without errno, for calls that arrive before errno exists. */
static inline long sys_early(long ret)
{
	return ret < 0 && ret > -4096 ? -1 : ret;
}

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#endif
