#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What libsowatch.so brings into a foreign process: libc, no text relocations, little static TLS.
. "$(dirname "$0")/../lib/scenario.sh"

need_program readelf
shim=$SOWATCH_BUILD/lib/libsowatch.so
readelf -dW "$shim" >"$work/dynamic"
readelf -lW "$shim" >"$work/program"
expect "the dynamic section was read" grep -q SYMTAB "$work/dynamic"

needed=$(sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' "$work/dynamic" | tr '\n' ' ')
expect "it needs libc.so.6 and nothing else (it needs: $needed)" test "$needed" = "libc.so.6 "
expect "there are no text relocations" sh -c '! grep -q TEXTREL "$1"' - "$work/dynamic"
expect "everything is bound at load" grep -qE 'BIND_NOW|FLAGS.*NOW' "$work/dynamic"
expect "the stack is not executable" grep -qE 'GNU_STACK.* RW ' "$work/program"
expect "it was linked for good: no RUNPATH" sh -c '! grep -qE "R(UN)?PATH" "$1"' - "$work/dynamic"

tls=$(awk '$1 == "TLS" { print strtonum($6) }' "$work/program" 2>/dev/null)
[ -n "$tls" ] || tls=$((0x$(awk '$1 == "TLS" { sub(/^0x/, "", $6); print $6 }' "$work/program")))
expect "static TLS is there, and at most 256 bytes ($tls)" test "${tls:-0}" -gt 0 -a "${tls:-999}" -le 256
expect "TLS is initial-exec: no call of __tls_get_addr" \
	sh -c '! nm -D --undefined-only "$1" | grep -q __tls_get_addr' - "$shim"

# Failure paths that abort the host, and the allocator, stay outside.
nm -D --undefined-only "$shim" | awk '{ sub(/@.*/, "", $2); print $2 }' >"$work/undefined"
for name in __stack_chk_fail __fortify_fail abort __assert_fail exit malloc calloc realloc free printf fprintf; do
	expect "it does not use $name" sh -c '! grep -qx "$1" "$2"' - "$name" "$work/undefined"
done
