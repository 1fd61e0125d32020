'use strict';
const minimatch = require('minimatch');

try {
  minimatch('foo', '[!' + '\\'.repeat(+process.env.PROOF_SIZE) + 'A');
} catch {
  // A pattern that is too long is refused.
}
