'use strict';
// The same application with an honest request.
const assert = require('assert');
const fs = require('fs');
const ejs = require('ejs');

fs.writeFileSync('page.ejs', 'hello <%= name %>');
let page;
ejs.renderFile('page.ejs', { name: 'Ada', settings: { 'view options': {} } }, (error, text) => {
  if (error) throw error;
  page = text;
});
process.on('exit', () => assert.strictEqual(page, 'hello Ada'));
