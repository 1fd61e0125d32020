'use strict';
const path = require('path');
const AdmZip = require('adm-zip');

const canary = process.env.PROOF_CANARY_WRITE;
const folder = path.join(process.cwd(), 'unpacked');
const wanted = path.relative(folder, canary);

// Entry names are cleaned when they are added, so the name is put into the archive's bytes afterwards.
const made = new AdmZip();
const placeholder = 'x'.repeat(wanted.length);
made.addFile(placeholder, Buffer.from('written'));
const bytes = Buffer.from(made.toBuffer().toString('latin1').split(placeholder).join(wanted), 'latin1');

try {
  new AdmZip(bytes).extractAllTo(folder, true);
} catch {
  // The fix may refuse the archive.
}
