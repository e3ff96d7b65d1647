// SPDX-License-Identifier: Apache-2.0
// The development server: one message to itself.
"use strict";
require("node-ipc").echo(process.env.TMPDIR + "/app.socket", "hello").then(console.log);
