'use strict';
const assert = require('assert');
const _ = require('lodash');

assert.strictEqual(_.template('<%= data.x %>', { variable: 'data' })({ x: 1 }), '1');
