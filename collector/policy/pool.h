/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory of one policy, given back all at once. Running out of it while loading unwinds to the
 * loader (longjmp to *escape), so that nothing in between has to check: everything reachable
 * belongs to a pool, and the few things that do not are held by struct loader.
 */
#ifndef SOWATCH_POLICY_POOL_H
#define SOWATCH_POLICY_POOL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool_block;

struct pool {
	struct pool_block *blocks;
	jmp_buf *escape;
};

/* Zeroed, aligned for any type, never NULL. */
void *pool_alloc(struct pool *pool, size_t bytes);
/* A copy with a NUL behind it. */
char *pool_copy(struct pool *pool, const char *data, size_t len);
char *pool_print(struct pool *pool, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *pool_print_list(struct pool *pool, const char *format, va_list list);
/* Room for one more element in an array that doubles; the old copy stays in the pool. */
void *pool_grow(struct pool *pool, void *array, uint32_t count, size_t element_bytes);
void pool_done(struct pool *pool);

#endif
