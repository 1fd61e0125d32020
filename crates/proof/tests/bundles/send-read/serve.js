// Serves one path below one root through send, asks for it, and calls back with what came.
'use strict';
const http = require('http');
const send = require('send');

module.exports = (root, path, done) => {
  const server = http.createServer((req, res) => {
    send(req, path, { root }).on('error', (e) => { res.statusCode = e.status || 500; res.end(); }).pipe(res);
  });
  server.listen(0, '127.0.0.1', () => {
    http.get({ port: server.address().port, path: '/', agent: false }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (part) => { text += part; }).on('end', () => {
        server.close();
        done(res.statusCode, text);
      });
    });
  });
};
