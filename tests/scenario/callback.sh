#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An act of the app's callback belongs to the app, whichever library called it.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

watch strict-library --policy "$scenario_dir/strict.yaml" -- "$subjects/callback_app" data.txt data.txt
expect_no_deviation libwalker.so
expect_event callback_app file.read 2

watch strict-app --policy "$scenario_dir/strict-app.yaml" -- "$subjects/callback_app" data.txt data.txt
expect_deviations 2 callback_app file.read "$cwd/data.txt" '^callback_app\|libwalker.so\|callback_app'
