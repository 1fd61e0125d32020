'use strict';
const ms = require('ms');

ms('5'.repeat(+process.env.PROOF_SIZE) + ' minutea');
