'use strict';
// A filter for requests to the machine's own network. `0177.0.0.1` is what the C library, browsers and curl take for
// 127.0.0.1: a leading zero means octal.
const { Netmask } = require('netmask');

const own = new Netmask('127.0.0.0/8');
let blocked;
try {
  blocked = own.contains('0177.0.0.1');
} catch (e) {
  // Later versions may refuse the form altogether, which keeps the request out as well.
  if (!/^Invalid /.test(e.message)) throw e;
  blocked = true;
}
// Exit code 10 says: the address passed the filter.
process.exitCode = blocked ? 0 : 10;
