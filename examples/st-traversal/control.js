'use strict';
// The same server and a visitor who asks for a file that is there.
const assert = require('assert');
const fs = require('fs');
const http = require('http');
const path = require('path');

let body = '';
process.on('exit', () => assert.strictEqual(body, 'hello from the folder'));
(async () => {
  fs.mkdirSync('public', { recursive: true });
  fs.writeFileSync('public/hello.txt', 'hello from the folder');
  const { default: st } = await import('st'); // a CommonJS module up to 3, an ES module since 4
  const mount = st({ path: path.resolve('public'), url: '/', index: false, dot: true });
  const server = http.createServer((req, res) => {
    if (!mount(req, res)) { res.statusCode = 404; res.end('not found'); }
  });
  server.listen(0, '127.0.0.1', () => {
    http.get({ host: '127.0.0.1', port: server.address().port, path: '/hello.txt', agent: false }, (res) => {
      res.setEncoding('utf8').on('data', (part) => { body += part; }).on('end', () => server.close());
    }).setTimeout(1500, function quiet() { this.destroy(new Error('the server does not answer')); });
  });
})();
