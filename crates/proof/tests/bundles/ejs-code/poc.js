'use strict';
const ejs = require('ejs');

try {
  ejs.render('x', {}, { outputFunctionName: 'x;' + process.env.PROOF_CANARY_CODE + ';s' });
} catch {
  // The fix refuses such a name.
}
