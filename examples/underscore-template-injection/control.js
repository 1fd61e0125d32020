'use strict';
// The same report writer with an honest name.
const assert = require('assert');
const underscore = require('underscore');
const _ = underscore._ || underscore;

const render = _.template('total <%= row.total %>', null, { variable: 'row' });
assert.strictEqual(render({ total: 42 }), 'total 42');
