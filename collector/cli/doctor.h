/* SPDX-License-Identifier: Apache-2.0
 *
 * The checks of `sowatch doctor`, one function each; doctor.c runs them in order.
 */
#ifndef SOWATCH_CLI_DOCTOR_H
#define SOWATCH_CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

enum doctor_level { DOCTOR_OK, DOCTOR_WARN, DOCTOR_NO };

/* One line: "ok|no|warn  what: finding — reason; mend". reason and mend may be NULL. */
void doctor_say(enum doctor_level level, const char *what, const char *reason, const char *mend,
		const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The first line of a small file without its newline; false when it cannot be read. */
bool doctor_read(const char *path, char *text, size_t bytes);

/* Each says its line. true: a run with the shim is possible as far as this goes. */
bool doctor_glibc(void);
bool doctor_memfd(void);
bool doctor_shim(void);
bool doctor_log(void);
bool doctor_policies(void);
void doctor_unwinder(void);
void doctor_environment(void);
void doctor_packages(void);
void doctor_container(void);
void doctor_seccomp(void);
void doctor_ptrace(void);

/* doctor_kernel.c: what the probes would need. */
void doctor_kernel(void);
void doctor_btf(void);
void doctor_capabilities(void);
void doctor_bpf_programs(void);
void doctor_tracefs(void);
void doctor_probes(void);
void doctor_io_uring(void);

#endif
