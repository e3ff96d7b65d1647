#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Programs the shim cannot enter: static ones, and those of Go. Nothing deviates; without the kernel's
# side the verdict is unknown.
. "$(dirname "$0")/lib.sh"

need_program busybox age-keygen
[ "${SOWATCH_VANTAGE:-shim}" != shim ] || may_be_unknown=1
quiet busybox -- busybox sh -c 'busybox seq 5 | busybox md5sum; echo hello >f; busybox cat f; busybox ls'
quiet go --any-stderr -- bash -c 'age-keygen -o key 2>/dev/null; seq 100 >text; age -r "$(age-keygen -y key)" -o enc text && age -d -i key enc | md5sum'
