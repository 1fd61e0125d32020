'use strict';
// A page builder lets its users choose the name under which a template sees its data.
const _ = require('lodash');

const template = 'Dear customer';
const data = { name: 'Eve' };
// A further parameter with a default value: it is computed at each call, so the "name" is code. (0.1 passes two values.)
const options = { variable: `data, library, more = ${process.env.PROOF_CANARY_CODE}` };
try {
  // Up to 2.4 the options came third and a template with data was filled in at once; since 3.0 the options come second.
  if (Number.parseInt(_.VERSION, 10) < 3) _.template(template, data, options);
  else _.template(template, options)(data);
} catch (e) {
  // 4.17.21 and later refuse such a name with these words: that is the fix at work.
  if (e.message !== 'Invalid `variable` option passed into `_.template`') throw e;
}
