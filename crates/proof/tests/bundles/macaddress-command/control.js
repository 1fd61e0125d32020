'use strict';
const macaddress = require('macaddress');

// There is no such interface in the box: being told so is the answer.
macaddress.one('lo', () => {});
