'use strict';
// A page builder lets its users choose the name under which a template sees its data.
const _ = require('lodash');

const template = 'Dear customer';
const options = { variable: `data = ${process.env.PROOF_CANARY_CODE}` };
try {
  // Up to 2.4 the options came third, after the data; since 3.0 they come second.
  const render = Number.parseInt(_.VERSION, 10) < 3 ? _.template(template, null, options) : _.template(template, options);
  // Without an argument the default value of the parameter is computed: the name was code.
  render();
} catch (e) {
  // 4.17.21 and later refuse such a name with these words: that is the fix at work.
  if (e.message !== 'Invalid `variable` option passed into `_.template`') throw e;
}
