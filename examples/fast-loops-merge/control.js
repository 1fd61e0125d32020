'use strict';
// The same engine with honest settings.
const assert = require('assert');
const { objectMergeDeep } = require('fast-loops');

const merged = objectMergeDeep({ page: { colour: 'red' } }, { page: { width: 4 } });
assert.strictEqual(merged.page.colour, 'red');
assert.strictEqual(merged.page.width, 4);
