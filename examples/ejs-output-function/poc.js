'use strict';
// A web application renders a view with the data of a request, `?settings[view options][...]=...` included.
const fs = require('fs');
const ejs = require('ejs');

fs.writeFileSync('page.ejs', 'hello');
const query = { settings: { 'view options': { outputFunctionName: `x; ${process.env.PROOF_CANARY_CODE}; var y` } } };
ejs.renderFile('page.ejs', query, (error) => {
  // 3.1.7 and later refuse the name with these words: that is the fix at work.
  if (error && !error.message.includes('outputFunctionName is not a valid JS identifier')) throw error;
});
