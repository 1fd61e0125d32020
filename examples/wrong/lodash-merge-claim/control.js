'use strict';
// Merging ordinary documents.
const assert = require('assert');
const _ = require('lodash');

const merged = _.merge({ user: { name: 'ada' } }, JSON.parse('{"user": {"age": 36}}'));
assert.strictEqual(JSON.stringify(merged), '{"user":{"name":"ada","age":36}}');
