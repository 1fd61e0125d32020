'use strict';
// The same service with an archive that stays where it belongs.
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const AdmZip = require('adm-zip');
const { zip } = require('./zip.js');

fs.mkdirSync('upload', { recursive: true });
new AdmZip(zip('notes/hello.txt', 'hello\n')).extractAllTo(path.resolve('upload'), true);
assert.strictEqual(fs.readFileSync('upload/notes/hello.txt', 'utf8'), 'hello\n');
