// SPDX-License-Identifier: Apache-2.0
// What comes of every element, in one stream. No I/O.
"use strict";
module.exports = (values, each) => [].concat(...values.map(each));
