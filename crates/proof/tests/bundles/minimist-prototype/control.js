'use strict';
const assert = require('assert');
const parse = require('minimist');

assert.strictEqual(parse(['--a.b', 'yes']).a.b, 'yes');
