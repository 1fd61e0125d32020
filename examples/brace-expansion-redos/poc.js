'use strict';
// A file picker expands the pattern a visitor typed.
(async () => {
  const module = await import('brace-expansion'); // the export changed its form between 1.x, 3.x and 5.x
  const expand = module.expand || module.default;
  expand('{' + ','.repeat(Number(process.env.PROOF_SIZE)) + '\n}');
})();
