'use strict';
const ip = require('ip');

process.exit(ip.isPublic('0x7f.1') === true ? 10 : 0);
