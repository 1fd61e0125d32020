'use strict';
// A static file server for the folder `public`, and a visitor who asks for something else.
const fs = require('fs');
const http = require('http');
const path = require('path');

(async () => {
  fs.mkdirSync('public', { recursive: true });
  const root = path.resolve('public');
  const { default: st } = await import('st'); // a CommonJS module up to 3, an ES module since 4
  const mount = st({ path: root, url: '/', index: false, dot: true });
  const server = http.createServer((req, res) => {
    if (!mount(req, res)) { res.statusCode = 404; res.end('not found'); }
  });
  server.listen(0, '127.0.0.1', () => {
    // `..` is written as %2e%2e: the path is cleaned first and decoded afterwards.
    const up = path.relative(root, process.env.PROOF_CANARY_FILE).split('..').join('%2e%2e');
    const { port } = server.address();
    http.get({ host: '127.0.0.1', port, path: '/' + up, agent: false }, (res) => {
      res.pipe(process.stdout);
      res.on('end', () => server.close());
    }).setTimeout(1500, function quiet() { this.destroy(new Error('the server does not answer')); });
  });
})();
