'use strict';
// The same page builder with an honest name.
const assert = require('assert');
const _ = require('lodash');

const template = 'Dear <%= data.name %>';
const options = { variable: 'data' };
const render = Number.parseInt(_.VERSION, 10) < 3 ? _.template(template, null, options) : _.template(template, options);
assert.strictEqual(render({ name: 'Ada' }), 'Dear Ada');
