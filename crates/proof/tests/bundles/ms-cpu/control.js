'use strict';
const assert = require('assert');
const ms = require('ms');

assert.strictEqual(ms('5 minutes'), 300000);
