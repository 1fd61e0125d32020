// The same function, used as it is meant to be.
'use strict';
const assert = require('assert');
const _ = require('lodash');

assert.deepStrictEqual(_.zipObjectDeep(['a.b', 'a.c'], [1, 2]), { a: { b: 1, c: 2 } });
