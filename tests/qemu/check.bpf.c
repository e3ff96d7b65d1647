/* SPDX-License-Identifier: Apache-2.0 */
/* Counts opens by the best mechanisms there are. For the self-check only: it needs no field of any
 * kernel structure. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char license_text[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static void count(__u32 which)
{
	__u64 *value = bpf_map_lookup_elem(&counts, &which);

	if (value)
		__sync_fetch_and_add(value, 1);
}

SEC("lsm/file_open")
int lsm_open(void *ctx)
{
	count(0);
	return 0;
}

SEC("fentry/do_sys_openat2")
int fentry_open(void *ctx)
{
	count(1);
	return 0;
}
