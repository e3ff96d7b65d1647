#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An include points upstream only: toward wire/, never from the policy to a source.
. "$(dirname "$0")/../lib/scenario.sh"

# folder: what its files may include by "...": folders or single files; all may include their own.
allowed='
preload/wire:
preload: preload/wire
collector/log: collector preload/wire
collector/unwind: preload/wire
collector/source: collector collector/log collector/unwind/elf_file.h collector/unwind/unwind.h bpf/loader.h preload/hooks.tbl.h preload/wire
collector/model: collector preload/wire
collector/policy: collector collector/model preload/hooks.tbl.h preload/wire
collector/cases: collector collector/model collector/policy preload/wire
collector/sink: collector collector/model collector/policy preload/wire
collector/learn: collector collector/model collector/policy collector/sink collector/source preload/wire
collector/diff: collector collector/learn collector/model collector/policy collector/sink preload/wire
collector/cli: collector collector/cases collector/diff collector/learn collector/log collector/source collector/model collector/policy collector/sink preload/hooks.tbl.h preload/wire
collector: collector/cli collector/log collector/source collector/model collector/policy collector/sink preload/hooks.tbl.h preload/wire
bpf: preload/wire'
cd "$root"
seen=0
for file in $(find preload collector bpf -name '*.[ch]' | sort); do
	folder=${file%/*}
	may=$(sed -n "s,^$folder: *,,p" <<<"$allowed")
	grep -q "^$folder:" <<<"$allowed" || { fail "the folder of $file is not in the list"; continue; }
	for include in $(sed -nE 's/^[ \t]*#[ \t]*include[ \t]+"([^"]+)".*/\1/p' "$file"); do
		target=$(realpath -m --relative-to=. "$folder/$include")
		[ -e "$target" ] || target=$include
		[ -e "$target" ] || continue # generated
		seen=$((seen + 1))
		case " $folder $may " in
		*" ${target%/*} "* | *" $target "*) ;;
		*) fail "$file includes $target" ;;
		esac
	done
done
expect "includes were found" test $seen -gt 50

# In the shared header of the pipeline only wire/ is above.
expect "item.h includes only wire/" test -z "$(sed -nE 's/^#include "([^"]+)".*/\1/p' collector/item.h | grep -v preload/wire/)"
