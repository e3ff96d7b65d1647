/* SPDX-License-Identifier: Apache-2.0
 *
 * Python code as the shim tells of it -> the distribution, the standard library or the script it
 * belongs to.
 */
#ifndef SOWATCH_SOURCE_PYTHON_H
#define SOWATCH_SOURCE_PYTHON_H

#include "live.h"

/* Item id of the file path that the record tells of, or OBJECT_OURS: nobody's frame. */
uint32_t python_object(struct live *live, struct proc *proc, const struct wire_object *record,
		       struct str path);
/* proc opened the file path. Is it an installed distribution's code, an object of its own says that it
 * was there, whatever its code does from then on. */
void python_opened(struct live *live, struct proc *proc, struct str path);
/* Which interpreter proc has. -EINVAL: not a valid record. */
int python_tell(struct live *live, struct proc *proc, const struct wire_python *record,
		struct str stdlib);
/* An interpreter of that version ("3.11") starts in proc: the source trees installed for it. */
void python_sites(struct live *live, const struct proc *proc, const char *version,
		  const char *stdlib);
/* proc is over: was it a Python nobody told of? */
void python_over(struct live *live, struct proc *proc);
/* A stack of proc's ran Python whose frames were not told. */
void python_untold(struct live *live, struct proc *proc);
/* Is path, as recorded, a file that a distribution of proc's has as its own? Where that distribution
 * says what it is (its dist-info) into ret. */
bool python_own(struct live *live, const struct proc *proc, struct str path, struct path_buffer *ret);
void python_forget(struct proc *proc);

#endif
