'use strict';
// The same checker with ordinary ranges, one of them wrong.
const assert = require('assert');
const semver = require('semver');

assert.strictEqual(semver.validRange('>=  1.2.3'), '>=1.2.3');
assert.strictEqual(semver.satisfies('1.4.0', '>=  1.2.3'), true);
assert.strictEqual(semver.validRange('>=  !'), null);
