'use strict';
// The same filter with plain addresses.
const assert = require('assert');
const { Netmask } = require('netmask');

const own = new Netmask('127.0.0.0/8');
assert.strictEqual(own.contains('127.0.0.1'), true);
assert.strictEqual(own.contains('192.0.2.1'), false);
assert.strictEqual(own.broadcast, '127.255.255.255');
