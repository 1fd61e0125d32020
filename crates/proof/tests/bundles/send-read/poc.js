// A folder beside the root whose name begins as the root's does is taken for a part of it.
'use strict';
const path = require('path');
const serve = require('./serve.js');

const canary = process.env.PROOF_CANARY_FILE;
const root = path.dirname(canary).slice(0, -1);
serve(root, path.relative(root, canary), (status, text) => console.log(status, text));
