/* SPDX-License-Identifier: Apache-2.0
 *
 * Are we where the collector is? In another mount namespace our names may stand for other files
 * than its own, and when it comes to look we may be gone. There, and only there, the kernel is asked
 * which files our program and objects are: it costs a look into /proc.
 */
#ifndef SOWATCH_PRELOAD_MOUNT_H
#define SOWATCH_PRELOAD_MOUNT_H

#include "hook.h"

/* Id of the mount the collector's root is on. */
void mount_home_init(uint32_t id);
uint32_t mount_home(void);
/* Of ours, 0: not known, or it may not be asked. */
uint32_t mount_here(void);
/* False: here is home, or it cannot be told. */
bool mount_program(uint32_t here, struct wire_file *ret);
/* Of what is mapped at that address. */
bool mount_mapped(uint32_t here, uint64_t address, struct wire_file *ret);

#endif
