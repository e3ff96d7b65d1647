// SPDX-License-Identifier: Apache-2.0
// Colours for a terminal. No I/O.
"use strict";
exports.red = (text) => `\x1b[31m${text}\x1b[39m`;
