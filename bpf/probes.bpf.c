// SPDX-License-Identifier: Apache-2.0
/*
 * The probes, one object. What happens where: enter.bpf.h (entry of a system call), exit.bpf.h
 * (its exit, by kind: file.bpf.h net.bpf.h code.bpf.h), proc.bpf.h (the tree), uring.bpf.h,
 * object.bpf.h (mechanism "lsm").
 */
#include <stddef.h>

#include "vmlinux_min.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "proc.bpf.h"
#include "uring.bpf.h"
#include "object.bpf.h"

char LICENSE[] SEC("license") = "GPL";
