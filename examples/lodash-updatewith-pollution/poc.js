'use strict';
// A counter store: each event names the counter to raise.
const _ = require('lodash');

const counters = {};
for (const event of ['page.views', 'constructor.prototype.requests']) {
  _.updateWith(counters, event, (n) => (n || 0) + 1, Object);
}
