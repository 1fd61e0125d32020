'use strict';
// The same script with ordinary options.
const assert = require('assert');
const minimist = require('minimist');

const argv = minimist(['src', '--build.target=web', '--verbose']);
assert.strictEqual(argv.build.target, 'web');
assert.strictEqual(argv.verbose, true);
assert.strictEqual(argv._.join(), 'src');
