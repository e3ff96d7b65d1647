/* SPDX-License-Identifier: Apache-2.0
 *
 * The loader of a build without probes: opening says so, and there is nothing else to do.
 */
#include "loader.h"

#include <errno.h>
#include <stdio.h>

int bpf_loader_open(const struct bpf_loader_options *options, struct bpf_loader **ret_loader,
		    char *error, size_t error_bytes)
{
	(void)options;
	*ret_loader = NULL;
	snprintf(error, error_bytes,
		 "this sowatch was built without the kernel's side (clang and libbpf were missing)");
	return -EOPNOTSUPP;
}

void bpf_loader_close(struct bpf_loader *loader)
{
	(void)loader;
}

int bpf_loader_watch(struct bpf_loader *loader, int pid)
{
	(void)loader;
	(void)pid;
	return -EOPNOTSUPP;
}

const char *bpf_loader_mechanism(const struct bpf_loader *loader)
{
	(void)loader;
	return "none";
}

const char *bpf_loader_reason(const struct bpf_loader *loader)
{
	(void)loader;
	return "built without the kernel's side";
}

int bpf_loader_drain(struct bpf_loader *loader,
		     int (*visit)(void *arg, const struct wire_kernel_head *record, size_t bytes),
		     void *arg, unsigned max)
{
	(void)loader;
	(void)visit;
	(void)arg;
	(void)max;
	return -EOPNOTSUPP;
}

void bpf_loader_lost(struct bpf_loader *loader, uint64_t ret_lost[WIRE_FAMILIES])
{
	(void)loader;
	for (int i = 0; i < WIRE_FAMILIES; i++)
		ret_lost[i] = 0;
}

const char *const *bpf_loader_missing(const struct bpf_loader *loader)
{
	static const char *const none[] = { NULL };

	(void)loader;
	return none;
}
