'use strict';
const _ = require('lodash');

try {
  _.template('', { variable: '){' + process.env.PROOF_CANARY_CODE + '}; with(obj' })({});
} catch {
  // The fix refuses such a name.
}
