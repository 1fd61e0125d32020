'use strict';
// The same importer with honest column names: a nested object comes out and nothing else changes.
const assert = require('assert');
const _ = require('lodash');

const row = _.zipObjectDeep(['user.name', 'user.roles[0]'], ['ada', 'reader']);
assert.strictEqual(JSON.stringify(row), '{"user":{"name":"ada","roles":["reader"]}}');
