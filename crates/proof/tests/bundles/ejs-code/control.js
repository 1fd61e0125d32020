'use strict';
const assert = require('assert');
const ejs = require('ejs');

assert.strictEqual(ejs.render('<%= x %>', { x: 1 }), '1');
