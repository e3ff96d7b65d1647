// SPDX-License-Identifier: Apache-2.0
"use strict";
console.log(require("chalk").red("served"));
