'use strict';
// A form handler writes values to the places a request names, already split into segments.
const exported = require('dset');
const dset = typeof exported === 'function' ? exported : exported.dset || exported.default;

// A list as a segment is no string, so the comparison with "__proto__" says no; as a key it becomes that string.
const field = JSON.parse('{"path": [["__proto__"], "isAdmin"], "value": true}');
dset({}, field.path, field.value);
