#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# libsowatch.so exports exactly the functions of the hook table, and every one has a test.
. "$(dirname "$0")/../lib/scenario.sh"

need_program nm
shim=$SOWATCH_BUILD/lib/libsowatch.so
sed -nE 's/^HOOK\([a-z]+, [A-Z]+, [^,]+, ([A-Za-z0-9_]+), .*/\1/p' "$root/preload/hooks.tbl.h" |
	sort >"$work/hooks"
sed -nE 's/^ALIAS\(([A-Za-z0-9_]+), .*/\1/p' "$root/preload/hooks.tbl.h" | sort - "$work/hooks" >"$work/table"
expect "the table was read" test "$(wc -l <"$work/table")" -gt 100
expect "no name is in the table twice" test -z "$(uniq -d "$work/table")"
expect "the lines of the table and of HOOK( are as many" \
	test "$(grep -c '^HOOK(' "$root/preload/hooks.tbl.h")" = "$(wc -l <"$work/hooks")"
for library in "$shim" "$SOWATCH_BUILD/lib/libsowatch-nop.so"; do
	nm -D --defined-only "$library" | awk '$2 ~ /[A-Za-z]/ { sub(/@.*/, "", $3); print $3 }' |
		sort -u >"$work/exports"
	check
	cmp -s "$work/table" "$work/exports" ||
		fail "${library##*/} exports something else than the table says" - < <(diff "$work/table" "$work/exports")
done

# Every hook that records has a call in the hook test.
sed -nE 's/^HOOK\([a-z]+, ACT, [^,]+, ([A-Za-z0-9_]+), .*/\1/p' "$root/preload/hooks.tbl.h" | sort >"$work/act"
sed -nE 's/^CALL\(([A-Za-z0-9_]+), .*/\1/p' "$root/tests/hook/calls.tbl.h" | sort >"$work/calls"
check
untested=$(comm -23 "$work/act" "$work/calls")
[ -z "$untested" ] || fail "these hooks have no line in tests/hook/calls.tbl.h" - <<<"$untested"

# A public function of libc that is a hooked one by another name is a way round the shim.
libc=$(ldd "$sowatch" | awk '$1 == "libc.so.6" { print $3 }')
nm -D --defined-only --with-symbol-versions "$libc" | awk '$2 ~ /[TtWwi]/ && $3 !~ /@.*PRIVATE/ {
	sub(/@.*/, "", $3); print $1, $3 }' | sort -u >"$work/libc"
expect "libc's functions were read" test "$(wc -l <"$work/libc")" -gt 1000
check
missed=$(awk 'FILENAME == ARGV[1] { hooked[$1] = 1; next }
	FILENAME == ARGV[2] { if ($2 in hooked) at[$1] = $2; next }
	$1 in at && !($2 in hooked) { print $2, "is", at[$1] }' "$work/table" "$work/libc" "$work/libc")
[ -z "$missed" ] || fail "these are hooked functions by another name" - <<<"$missed"
