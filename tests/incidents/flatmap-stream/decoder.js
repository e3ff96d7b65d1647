// SPDX-License-Identifier: Apache-2.0
// Another package: no I/O either.
"use strict";
exports.decode = (text) => text.toUpperCase();
