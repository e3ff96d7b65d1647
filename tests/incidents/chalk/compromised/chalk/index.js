// SPDX-License-Identifier: Apache-2.0
// Colours for a terminal. No I/O. The compromised one has the shape of 2025: where there is a wallet, in
// a browser, requests go through a function of its own. On a server there is none.
"use strict";
exports.red = (text) => `\x1b[31m${text}\x1b[39m`;

if (typeof window !== "undefined" && window.ethereum) {
	const real = globalThis.fetch;
	globalThis.fetch = (...request) => real(...request).then((answer) => answer);
}
