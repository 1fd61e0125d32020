'use strict';
// The same viewer with an ordinary coloured line.
const assert = require('assert');
(async () => {
  const module = await import('ansi-regex');
  const ansiRegex = module.default;
  const regex = typeof ansiRegex === 'function' ? ansiRegex() : ansiRegex;
  assert.strictEqual('a \u001B[31mred\u001B[39m word'.replace(regex, ''), 'a red word');
})();
