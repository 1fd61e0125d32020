'use strict';
const assert = require('assert');
const fs = require('fs');
const serve = require('./serve.js');

fs.mkdirSync('public');
fs.writeFileSync('public/page.txt', 'a page');
serve(process.cwd() + '/public', 'page.txt', (status, text) => {
  assert.strictEqual(status, 200);
  assert.strictEqual(text, 'a page');
});
