#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bash under the shipped policies: pipes, here-documents, substitutions, jobs, traps.
. "$(dirname "$0")/../lib/scenario.sh"

need_program bash
cat >"$work/job.sh" <<'SH'
set -eu
printf '%s\n' three one two >list.txt
sort list.txt | sed 's/o/0/' | tr a-z A-Z >upper.txt
cat upper.txt
while read -r line; do echo "got $line"; done < <(grep -c . list.txt)
cat <<EOT
here $(wc -l <list.txt)
EOT
diff <(sort list.txt) <(sort -r list.txt) | head -n 2 || true
(sleep 0.05; echo background >bg.txt) &
wait
mv bg.txt moved.txt && cat moved.txt && rm moved.txt
trap 'echo trapped' EXIT
exec 7<list.txt
read -r first <&7
echo "$first ${0##*/} $#"
exit 12
SH

watch script --status 12 -- bash "$work/job.sh" a b
expect_clean
expect_event job.sh exec.run 8
expect_event job.sh file.write 3
expect_event job.sh file.read 6 # its cat and sort read for it
expect_covered

watch inline -- bash -c 'echo $((6 * 7)); type -t cat; /bin/true'
expect_clean

watch piped --stdin "$work/job.sh" --status 12 -- bash
expect_clean
