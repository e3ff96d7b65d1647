/* SPDX-License-Identifier: Apache-2.0
 *
 * What the probes would need of the kernel. Program kinds are tried by loading the smallest
 * program of each kind with bpf(2): feature lists misreport.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../source/source.h"
#include "doctor.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif
#define BTF_PATH "/sys/kernel/btf/vmlinux"
#define KERNEL_ENOTSUPP 524 /* not in errno.h */
#define BTF_MAGIC 0xeb9f
#define BTF_FUNC 12
#define BTF_TYPEDEF 8

void doctor_kernel(void)
{
	struct utsname name;

	if (uname(&name) == 0)
		doctor_say(DOCTOR_OK, "kernel", NULL, NULL, "%s %s", name.release, name.machine);
	else
		doctor_say(DOCTOR_WARN, "kernel", strerror(errno), NULL, "unknown");
}

void doctor_btf(void)
{
	if (access(BTF_PATH, R_OK) == 0)
		doctor_say(DOCTOR_OK, "BTF", NULL, NULL, "%s is there", BTF_PATH);
	else
		doctor_say(DOCTOR_NO, "BTF", strerror(errno),
			   "a kernel with CONFIG_DEBUG_INFO_BTF=y is needed by the probes",
			   "%s cannot be read", BTF_PATH);
}

static bool has_capability(unsigned number)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long long effective = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "CapEff: %llx", &effective) == 1)
			break;
	}
	if (file)
		fclose(file);
	return effective >> number & 1;
}

void doctor_capabilities(void)
{
	bool has_bpf = has_capability(CAP_BPF), has_perfmon = has_capability(CAP_PERFMON);
	bool has_admin = has_capability(CAP_SYS_ADMIN);
	char text[16] = "?";

	doctor_say(has_admin || (has_bpf && has_perfmon) ? DOCTOR_OK : DOCTOR_NO, "capabilities",
		   has_admin ? NULL : "attaching to tracepoints wants CAP_SYS_ADMIN or a readable "
				      "tracefs besides",
		   has_admin ? NULL : "run as root for the kernel's vantage",
		   "CAP_BPF %s, CAP_PERFMON %s, CAP_SYS_ADMIN %s", has_bpf ? "yes" : "no",
		   has_perfmon ? "yes" : "no", has_admin ? "yes" : "no");
	if (doctor_read("/proc/sys/kernel/unprivileged_bpf_disabled", text, sizeof(text)))
		doctor_say(DOCTOR_OK, "unprivileged bpf",
			   "the probes need privileges whatever it says", NULL, "%s",
			   *text == '0' ? "allowed" : "forbidden");
}

/* --- the type number of a function or typedef in the kernel's BTF ---------------------------- */

struct btf_head {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t head_len, type_off, type_len, string_off, string_len;
};

struct btf_type {
	uint32_t name, info, size;
};

/* Bytes that follow a type of that kind; linux/btf.h. */
static size_t btf_more(uint32_t info)
{
	static const uint8_t fixed[32] = { [1] = 4, [3] = 12, [14] = 4, [17] = 4 };
	static const uint8_t each[32] = { [4] = 12, [5] = 12, [6] = 8, [13] = 8, [15] = 12,
					  [19] = 12 };
	uint32_t kind = info >> 24 & 31;

	return fixed[kind] + (size_t)each[kind] * (info & 0xffff);
}

static int btf_search(const char *text, size_t len, const char *name, uint32_t kind)
{
	struct btf_head head;
	struct btf_type type;
	size_t at, end, strings, wanted = strlen(name) + 1;
	int id = 1;

	if (len < sizeof(head))
		return -EINVAL;
	memcpy(&head, text, sizeof(head));
	at = (size_t)head.head_len + head.type_off;
	end = at + head.type_len;
	strings = (size_t)head.head_len + head.string_off;
	if (head.magic != BTF_MAGIC || end > len || strings + head.string_len > len)
		return -EINVAL;
	for (; at + sizeof(type) <= end; id++) {
		memcpy(&type, text + at, sizeof(type));
		if ((type.info >> 24 & 31) == kind && type.name + wanted <= head.string_len &&
		    !memcmp(text + strings + type.name, name, wanted))
			return id;
		at += sizeof(type) + btf_more(type.info);
	}
	return -ENOENT;
}

static int btf_find(const char *name, uint32_t kind)
{
	int fd = open(BTF_PATH, O_RDONLY | O_CLOEXEC), result = -ENOMEM;
	struct stat st;
	size_t len = 0;
	char *text;

	if (fd < 0)
		return -errno;
	text = fstat(fd, &st) == 0 && st.st_size > 0 ? malloc((size_t)st.st_size) : NULL;
	while (text && len < (size_t)st.st_size) {
		ssize_t got = read(fd, text + len, (size_t)st.st_size - len);

		if (got <= 0)
			break;
		len += (size_t)got;
	}
	close(fd);
	if (text)
		result = btf_search(text, len, name, kind);
	free(text);
	return result;
}

/* --- loading --------------------------------------------------------------------------------- */

/* 0, or negative errno of loading "return 0" as that kind of program. */
static int program_try(uint32_t type, uint32_t attach, int btf_id)
{
	static const char licence[] = "GPL";
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	static const char tracepoint[] = "sys_enter";
	union bpf_attr attributes;
	long fd, link;
	int error;

	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_type = type;
	attributes.insns = (uint64_t)(uintptr_t)code;
	attributes.insn_cnt = 2;
	attributes.license = (uint64_t)(uintptr_t)licence;
	attributes.expected_attach_type = attach;
	attributes.attach_btf_id = btf_id > 0 ? (uint32_t)btf_id : 0;
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes));
	if (fd < 0)
		return -errno;
	/* Some kernels load what they then refuse to attach. */
	memset(&attributes, 0, sizeof(attributes));
	attributes.raw_tracepoint.prog_fd = (uint32_t)fd;
	if (type == BPF_PROG_TYPE_RAW_TRACEPOINT)
		attributes.raw_tracepoint.name = (uint64_t)(uintptr_t)tracepoint;
	link = syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attributes, sizeof(attributes));
	error = link < 0 ? -errno : 0;
	if (link >= 0)
		close((int)link);
	close((int)fd);
	return error;
}

static const char *program_reason(int error)
{
	switch (error) {
	case -EPERM:
	case -EACCES:
		return "the kernel refuses it to this process (privileges, lockdown, or a "
		       "hypervisor's rule)";
	case -EINVAL:
		return "this kernel does not know this kind of program";
	case -KERNEL_ENOTSUPP:
	case -EOPNOTSUPP:
		return "this kernel is built without what it needs (CONFIG_BPF_LSM, "
		       "CONFIG_DYNAMIC_FTRACE)";
	case -ENOSYS:
		return "bpf(2) is not there, or a seccomp filter hides it";
	case -ENOENT:
		return "the kernel's BTF does not have the hook";
	default:
		return strerror(-error);
	}
}

static void program_say(const char *kind, const char *mend, int error)
{
	if (!error)
		doctor_say(DOCTOR_OK, kind, NULL, NULL, "programs load and attach");
	else
		doctor_say(DOCTOR_NO, kind, program_reason(error), mend, "refused (errno %d)",
			   -error);
}

void doctor_bpf_programs(void)
{
	int tracepoint = btf_find("btf_trace_sys_enter", BTF_TYPEDEF);
	int hook = btf_find("bpf_lsm_file_open", BTF_FUNC);
	int function = btf_find("do_sys_openat2", BTF_FUNC);
	int lsm = hook < 0 ? hook : program_try(BPF_PROG_TYPE_LSM, BPF_LSM_MAC, hook);
	char active[256];

	program_say("bpf raw_tracepoint", "run as root", program_try(BPF_PROG_TYPE_RAW_TRACEPOINT,
								    0, 0));
	program_say("bpf tp_btf", "run as root, on a kernel with BTF",
		    tracepoint < 0 ? tracepoint
				   : program_try(BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP,
						 tracepoint));
	program_say("bpf fentry", "tracepoints serve instead",
		    function < 0 ? function
				 : program_try(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, function));
	if (!lsm && doctor_read("/sys/kernel/security/lsm", active, sizeof(active)) &&
	    !strstr(active, "bpf"))
		doctor_say(DOCTOR_WARN, "bpf lsm", "the boot parameter lsm= does not list bpf",
			   "tracepoints serve instead", "programs load but are not called");
	else
		program_say("bpf lsm", "tracepoints serve instead", lsm);
}

void doctor_tracefs(void)
{
	if (access("/sys/kernel/tracing/events", R_OK | X_OK) == 0 ||
	    access("/sys/kernel/debug/tracing/events", R_OK | X_OK) == 0)
		doctor_say(DOCTOR_OK, "tracefs", NULL, NULL, "can be read");
	else
		doctor_say(DOCTOR_WARN, "tracefs", strerror(errno),
			   "mount -t tracefs tracefs /sys/kernel/tracing", "cannot be read");
}

void doctor_probes(void)
{
	char text[512] = "";

	if (source_probes_try(text, sizeof(text)) == 0)
		doctor_say(DOCTOR_OK, "probes", NULL, NULL, "attach by %s", text);
	else
		doctor_say(DOCTOR_NO, "probes", *text ? text : NULL,
			   "without them runs see what the shim sees: --vantage shim",
			   "cannot be attached");
}

void doctor_io_uring(void)
{
	static const char *const modes[] = { "enabled for all", "enabled for its group only",
					     "disabled" };
	char text[16];
	int mode;

	if (!doctor_read("/proc/sys/kernel/io_uring_disabled", text, sizeof(text))) {
		doctor_say(DOCTOR_WARN, "io_uring", "kernel.io_uring_disabled is not there",
			   "what goes through io_uring only the probes can see",
			   "perhaps enabled");
		return;
	}
	mode = atoi(text);
	doctor_say(mode == 2 ? DOCTOR_OK : DOCTOR_WARN, "io_uring",
		   mode == 2 ? NULL : "what goes through it the shim cannot see",
		   mode == 2 ? NULL : "sysctl kernel.io_uring_disabled=2 where nothing needs it",
		   "%s", mode >= 0 && mode <= 2 ? modes[mode] : "unknown");
}
