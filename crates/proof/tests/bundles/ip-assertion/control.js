'use strict';
const assert = require('assert');
const ip = require('ip');

assert.strictEqual(ip.isPublic('8.8.8.8'), true);
assert.strictEqual(ip.isPublic('10.0.0.1'), false);
