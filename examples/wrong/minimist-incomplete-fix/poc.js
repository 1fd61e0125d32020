'use strict';
// A build script hands its options on to the parser.
const minimist = require('minimist');

const options = ['--toString.constructor.prototype.tampered=yes', '--verbose'];
minimist(options);
