'use strict';
const assert = require('assert');
const fs = require('fs');
const AdmZip = require('adm-zip');

const made = new AdmZip();
made.addFile('inside.txt', Buffer.from('written'));
new AdmZip(made.toBuffer()).extractAllTo(process.cwd() + '/unpacked', true);
assert.strictEqual(fs.readFileSync('unpacked/inside.txt', 'utf8'), 'written');
