#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A library the user preloads stays in force, in the program and in its children.
. "$(dirname "$0")/../lib/scenario.sh"

user=$subjects/libuserpre.so

watch by-env -- env LD_PRELOAD="$user" "$subjects/userpre_app"
expect "it is in force" grep -qx 'parent 4242' "$here/out"
expect "the program sees what the user wrote" grep -qx "LD_PRELOAD $user" "$here/out"
expect_event userpre_app env.read
expect_covered

export LD_PRELOAD=$user
watch outside -- "$subjects/userpre_app"
watch grandchild -- sh -c "$subjects/userpre_app; env"
unset LD_PRELOAD
expect "it is in force" grep -qx 'parent 4242' "$here/out"
expect_event userpre_app env.read
expect_covered

export LD_PRELOAD=
watch empty -- env
unset LD_PRELOAD
