/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HOOKED_H
#define HOOKED_H

struct hooked_call {
	const char *name, *action, *object;
	long (*call)(void);
};

extern const struct hooked_call hooked_calls[]; /* ends with a NULL name */

void hooked_prepare(void);

#endif
