'use strict';
// The same store with honest events only.
const assert = require('assert');
const _ = require('lodash');

const counters = {};
for (const event of ['page.views', 'page.views', 'page.errors']) {
  _.updateWith(counters, event, (n) => (n || 0) + 1, Object);
}
assert.strictEqual(counters.page.views, 2);
assert.strictEqual(counters.page.errors, 1);
