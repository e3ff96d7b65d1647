#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# node: an http server and its client, files, workers, a child process.
. "$(dirname "$0")/lib.sh"

need_program node
port=$(free_port)
cat >"$work/job.js" <<'JS'
const http = require('http'), fs = require('fs'), zlib = require('zlib'), crypto = require('crypto');
const { execFileSync } = require('child_process'), { Worker } = require('worker_threads');
const port = +process.argv[2];
const server = http.createServer((request, response) => response.end('hello ' + request.url)).listen(port, '127.0.0.1', async () => {
  const get = path => new Promise(done => http.get({ host: 'localhost', port, path }, response => {
    let text = ''; response.on('data', piece => text += piece); response.on('end', () => done(text)); }));
  for (const path of ['/a', '/b', '/c']) console.log(await get(path));
  fs.writeFileSync('out.gz', zlib.gzipSync('x'.repeat(10000)));
  console.log(zlib.gunzipSync(fs.readFileSync('out.gz')).length, crypto.createHash('sha256').update('x').digest('hex').slice(0, 8));
  console.log(execFileSync('echo', ['child']).toString().trim());
  await fs.promises.mkdir('d/e', { recursive: true });
  console.log(await fs.promises.readdir('d'));
  new Worker('require("worker_threads").parentPort.postMessage(require("fs").existsSync("out.gz"))', { eval: true })
    .on('message', message => { console.log('worker', message); server.close(); });
});
JS
quiet http -- node "$work/job.js" "$port"
expect "it was answered" grep -qx "hello /c" "$here/out"
