#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A static program, which the shim cannot enter: nothing deviates, and without the kernel's side the
# verdict is unknown. One of Go, which the shim is in, and which makes its system calls itself.
. "$(dirname "$0")/lib.sh"

need_program busybox age-keygen
without_shim='a process ran without the shim: /.*\((static|at-secure)'
not_told shim "$without_shim"
quiet busybox -- busybox sh -c 'busybox seq 5 | busybox md5sum; echo hello >f; busybox cat f; busybox ls'
quiet go --any-stderr -- bash -c 'age-keygen -o key 2>/dev/null; seq 100 >text; age -r "$(age-keygen -y key)" -o enc text && age -d -i key enc | md5sum'
