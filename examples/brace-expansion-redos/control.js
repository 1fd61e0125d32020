'use strict';
// The same picker with ordinary patterns.
const assert = require('assert');
(async () => {
  const module = await import('brace-expansion');
  const expand = module.expand || module.default;
  assert.strictEqual(expand('src/{a,b}.js').join(' '), 'src/a.js src/b.js');
  assert.strictEqual(expand('{1..3}').join(' '), '1 2 3');
})();
