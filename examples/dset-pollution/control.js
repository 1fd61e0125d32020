'use strict';
// The same handler with an honest request.
const assert = require('assert');
const exported = require('dset');
const dset = typeof exported === 'function' ? exported : exported.dset || exported.default;

const form = {};
dset(form, ['address', 'city'], 'Delft');
dset(form, 'address.country', 'NL');
assert.strictEqual(form.address.city, 'Delft');
assert.strictEqual(form.address.country, 'NL');
