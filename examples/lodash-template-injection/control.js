'use strict';
// The same page builder with an honest name.
const assert = require('assert');
const _ = require('lodash');

const template = 'Dear <%= data.name %>';
const data = { name: 'Ada' };
const options = { variable: 'data' };
const page = Number.parseInt(_.VERSION, 10) < 3 ? _.template(template, data, options) : _.template(template, options)(data);
assert.strictEqual(page, 'Dear Ada');
