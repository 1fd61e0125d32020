'use strict';
const assert = require('assert');
const minimatch = require('minimatch');

assert.strictEqual(minimatch('bar.foo', '*.foo'), true);
