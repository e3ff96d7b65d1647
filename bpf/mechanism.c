/* SPDX-License-Identifier: Apache-2.0 */
#include "mechanism.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <linux/bpf.h>

static bool attach_works(int id, int *ret_error, const char **ret_step)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, load, .expected_attach_type = BPF_TRACE_FENTRY,
		    .attach_btf_id = (__u32)id);
	int program, link;

	*ret_step = "loading";
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "sowatch_try", "GPL", code, 2, &load);
	if (program < 0) {
		*ret_error = -program;
		return false;
	}
	*ret_step = "attaching";
	link = bpf_raw_tracepoint_open(NULL, program);
	*ret_error = link < 0 ? -link : 0;
	close(program);
	if (link >= 0)
		close(link);
	return link >= 0;
}

bool mechanism_has_objects(const struct btf *btf, char *reason, size_t reason_bytes)
{
	int id = btf__find_by_name_kind(btf, "security_path_unlink", BTF_KIND_FUNC);
	const char *step;
	int error;

	if (id <= 0) {
		snprintf(reason, reason_bytes, "the kernel has no security_path_unlink in its BTF");
		return false;
	}
	if (!attach_works(id, &error, &step)) {
		snprintf(reason, reason_bytes, "%s a program at a kernel function failed: %s", step,
			 strerror(error));
		return false;
	}
	snprintf(reason, reason_bytes, "programs attach to the kernel's own security functions");
	return true;
}

bool mechanism_has_tracepoint(const struct btf *btf, const char *name)
{
	char type[128];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

bool mechanism_has_function(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}
