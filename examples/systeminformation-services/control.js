'use strict';
// The same status page with one honest name, of a service that does not run here.
const assert = require('assert');
const si = require('systeminformation');

let answered = false;
si.services('proofcheck', (list) => {
  assert.strictEqual(list.length, 1);
  assert.strictEqual(list[0].name, 'proofcheck');
  assert.strictEqual(list[0].running, false);
  answered = true;
});
process.on('exit', () => assert.ok(answered, 'services() did not answer'));
