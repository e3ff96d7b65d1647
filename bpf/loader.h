/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads and attaches the probes. Everything here needs root (CAP_BPF, CAP_PERFMON, and
 * CAP_SYS_ADMIN where the kernel asks for it); after bpf_loader_attach() no capability is needed
 * any more to read records and counters.
 */
#ifndef SOWATCH_BPF_LOADER_H
#define SOWATCH_BPF_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../preload/wire/kernel.h"
#include "../preload/wire/ring.h"

struct bpf_loader;

struct bpf_loader_options {
	uint8_t secret[16];    /* of the run: only hellos that carry it are believed */
	uint32_t ring_bytes;   /* power of two; 0: 16 MiB */
	bool has_shim;	       /* vantage both: read call slots */
	uint32_t check_every;  /* every n-th announced event carries a stack copy too; 0 never */
	uint32_t check_actions; /* 1 << wire_action, never 1: these always carry one; with
				   exec.inspect so do opens below /proc */
	const char *mechanism; /* "auto", "lsm", "tp": tests force one */
	const char *shim_path; /* only calls from mappings of this file are the shim's own; NULL:
				  wherever a hello said its text is */
};

/* 0, or negative errno with one sentence in error. Nothing stays attached on failure. */
int bpf_loader_open(const struct bpf_loader_options *options, struct bpf_loader **ret_loader,
		    char *error, size_t error_bytes);
void bpf_loader_close(struct bpf_loader *loader);

/* Marks the calling thread's next children as the root of the watched tree: called by the child
 * between fork and exec (with its own pid) or by the parent while the child waits. */
int bpf_loader_watch(struct bpf_loader *loader, int pid);

/* "lsm" or "tp", and one line about why, for doctor and the summary. */
const char *bpf_loader_mechanism(const struct bpf_loader *loader);
const char *bpf_loader_reason(const struct bpf_loader *loader);

/* Calls visit for every record that is there, in the buffer's order; each is a private copy that
 * nobody else writes. Returns how many, or negative errno. A visit that returns non-zero stops. */
int bpf_loader_drain(struct bpf_loader *loader,
		     int (*visit)(void *arg, const struct wire_kernel_head *record, size_t bytes),
		     void *arg, unsigned max);

/* Records that did not fit, per family, since the start; and programs that could not attach. */
void bpf_loader_lost(struct bpf_loader *loader, uint64_t ret_lost[WIRE_FAMILIES]);
/* Names of what could not be attached (a hole), NULL-terminated, owned by the loader. */
const char *const *bpf_loader_missing(const struct bpf_loader *loader);

#endif
