#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A setuid program is left alone, works as ever, and is named as not covered.
. "$(dirname "$0")/../lib/scenario.sh"

need_root
need_program setpriv
setuid=$work/fixed-setuid
cp "$subjects/fixed" "$setuid"
chmod 4755 "$setuid"
prepare()
{
	echo for-root-only >secret.txt
	chmod 600 secret.txt
}
nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
fresh
[ "$(cd "$cwd" && $nobody "$setuid" secret.txt 2>/dev/null)" = for-root-only ] ||
	skip "setuid bits mean nothing in /tmp here"

watch setuid --status 5 -- $nobody "$setuid" secret.txt
expect "it has root's rights, as without us" grep -qx for-root-only "$here/out"
expect_shim_hole fixed-setuid
expect_no_deviation
