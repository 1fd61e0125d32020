'use strict';
// A style engine merges the settings of a page into its own.
const { objectMergeDeep } = require('fast-loops');

const settings = JSON.parse('{"colour": "blue", "__proto__": {"polluted": true}}');
objectMergeDeep({}, settings);
