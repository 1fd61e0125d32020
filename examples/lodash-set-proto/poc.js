'use strict';
// A settings service: a PATCH request names the path, already split into segments, and the new value.
const _ = require('lodash');

const settings = { theme: 'light' };
const patch = JSON.parse('{"path": ["__proto__", "isAdmin"], "value": true}');
_.set(settings, patch.path, patch.value);
