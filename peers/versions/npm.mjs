// npm's own order: node-semver. Reads lines of two versions with a tab between, writes <, = or >, or ! for what it refuses.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(process.argv[2]);
const { parse, compare } = require('semver');
let answers = '';
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const [a, b] = line.split('\t').map((version) => parse(version));
  answers += a && b ? ['<', '=', '>'][compare(a, b) + 1] : '!';
  answers += '\n';
  if (answers.length > 65536) {
    process.stdout.write(answers);
    answers = '';
  }
}
process.stdout.write(answers);
