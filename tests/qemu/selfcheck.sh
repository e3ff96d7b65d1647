#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs inside the machine: its kernel takes LSM and fentry programs, and sowatch's shim runs there.
set -u
failed=0
here=$SOWATCH_BUILD/tests/qemu
[ -x "$here/qemu_check" ] || { echo "skip: clang or libbpf was not there to build the check"; exit 77; }
echo "lsm=$(</sys/kernel/security/lsm)"
case ,$(</sys/kernel/security/lsm), in *,bpf,*) ;; *) echo "FAILED: no bpf among them"; failed=1 ;; esac
[ -r /sys/kernel/btf/vmlinux ] || { echo "FAILED: no BTF"; failed=1; }
"$here/qemu_check" "$here/check.bpf.o" || { echo "FAILED: an LSM or fentry program did not run"; failed=1; }
"$SOWATCH_BUILD/bin/sowatch" run --vantage shim -o /tmp/check.swl --summary /tmp/check.json -- \
	"$SOWATCH_BUILD/tests/subjects/open_app" open /etc/passwd || { echo "FAILED: sowatch"; failed=1; }
[ "$(jq '.subjects[] | select(.name == "libopener.so") | .actions["file.read"]' /tmp/check.json)" = 1 ] ||
	{ echo "FAILED: the shim saw no open in there"; failed=1; }
exit $failed
