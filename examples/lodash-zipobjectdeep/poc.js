// A path that an application takes from its users reaches the prototype of every object.
'use strict';
const _ = require('lodash');

_.zipObjectDeep(['__proto__.shown'], ['by zipObjectDeep']);
