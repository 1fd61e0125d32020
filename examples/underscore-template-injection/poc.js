'use strict';
// A report writer takes the settings of its templates from a file its users may change.
const underscore = require('underscore');
const _ = underscore._ || underscore;

const settings = { variable: `row = ${process.env.PROOF_CANARY_CODE}` };
try {
  // The settings come third, after the data; later versions still take them there.
  const render = _.template('total', null, settings);
  // Without an argument the default value of the parameter is computed: the name was code.
  render();
} catch (e) {
  // The fix refuses the name: 1.12.1 with the bare name as message, 1.13 with words before it.
  if (e.message !== settings.variable && e.message !== `variable is not a bare identifier: ${settings.variable}`) throw e;
}
