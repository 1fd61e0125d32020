'use strict';
// The same tool with ordinary dotted arguments.
const assert = require('assert');
const parse = require('minimist');

const argv = parse(['start', '--server.host', 'localhost', '--server.port=8080', '-v']);
assert.strictEqual(argv.server.host, 'localhost');
assert.strictEqual(argv.server.port, 8080);
assert.strictEqual(argv.v, true);
assert.strictEqual(argv._[0], 'start');
