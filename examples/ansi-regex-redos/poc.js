'use strict';
// A log viewer looks for colour codes in a line that somebody else wrote.
(async () => {
  const module = await import('ansi-regex'); // a CommonJS module up to 5, an ES module since 6
  const ansiRegex = module.default;
  // 0.x and 1.0 to 2.x export a function or the expression itself.
  const regex = typeof ansiRegex === 'function' ? ansiRegex() : ansiRegex;
  regex.test('\u001B[' + ';'.repeat(Number(process.env.PROOF_SIZE)) + 'x');
})();
