'use strict';
const assert = require('assert');
const expand = require('brace-expansion');

assert.deepStrictEqual(expand('a{b,c}'), ['ab', 'ac']);
