'use strict';
// The same service with an honest request.
const assert = require('assert');
const _ = require('lodash');

const settings = { theme: 'light' };
const patch = JSON.parse('{"path": ["editor", "tabs", "width"], "value": 4}');
const answer = _.set(settings, patch.path, patch.value);
assert.strictEqual(answer, settings);
assert.strictEqual(settings.editor.tabs.width, 4);
assert.strictEqual(settings.theme, 'light');
