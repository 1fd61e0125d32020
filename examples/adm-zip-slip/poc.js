'use strict';
// An upload service unpacks an archive into a folder of its own.
const fs = require('fs');
const path = require('path');
const AdmZip = require('adm-zip');
const { zip } = require('./zip.js');

fs.mkdirSync('upload', { recursive: true });
const into = path.resolve('upload');
const name = path.relative(into, process.env.PROOF_CANARY_WRITE);
try {
  new AdmZip(zip(name, 'out of bounds\n')).extractAllTo(into, true);
} catch (e) {
  // 0.4.8 and 0.4.9 throw this text (not an error object) at such a name: a refusal, and the end of the attack.
  if (!String(e).startsWith('Invalid filename: ')) throw e;
}
