#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A service that starts programs for years does not grow by what it hands to them.
. "$(dirname "$0")/../lib/scenario.sh"

watch many-programs --status 0 -- "$subjects/many_programs" 50
expect_count many_programs exec.run 51
