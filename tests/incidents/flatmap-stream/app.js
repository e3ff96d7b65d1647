// SPDX-License-Identifier: Apache-2.0
// The build: two packages at work, one bundle written. A bundle holds what it was built of.
"use strict";
const fs = require("fs");
const lines = require("flatmap-stream")(["a", "b"], (name) => [name, name + "!"]);
const decode = require("zxing/decoder.js").decode;
fs.writeFileSync("bundle.txt", lines.map(decode).join(" "));
console.log(lines.length);
