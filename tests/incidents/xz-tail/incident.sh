# SPDX-License-Identifier: Apache-2.0
. "$scenario_dir/xz/xz.sh"
