'use strict';
// Runs tests of an imported file with jest's matchers. Status 10 says that the test shows the defect, 0 that it does not.
//
// It shows something only where it ended by an assertion of its own (or an exception that the import names), or passed, and
// the control passed before it in the same process. What jest has beside what stands here is not read: it shows nothing.
const given = require('./imported.json');
const { expect } = require('expect');

const tests = new Map();
let scope = { names: [], before: [], after: [], parent: null };

function add(name, body) {
  const inside = scope;
  const run = async () => {
    const scopes = [];
    for (let at = inside; at; at = at.parent) scopes.unshift(at);
    for (const each of scopes) for (const hook of each.before) await call(hook);
    await call(body);
    for (const each of scopes.reverse()) for (const hook of each.after) await call(hook);
  };
  for (const known of [name, [...inside.names, name].join(' ')]) if (!tests.has(known)) tests.set(known, run);
}

function call(body) {
  return body.length === 0 ? body() : new Promise((done, failed) => body((e) => (e ? failed(e) : done())));
}

function describe(name, body) {
  scope = { names: [...scope.names, name], before: [], after: [], parent: scope };
  body();
  scope = scope.parent;
}

const before = (hook) => scope.before.push(hook);
const after = (hook) => scope.after.push(hook);
Object.assign(globalThis, {
  describe, test: add, it: add, expect, beforeEach: before, beforeAll: before, afterEach: after, afterAll: after,
});

async function ended(name) {
  const run = tests.get(name);
  if (!run) {
    console.error(`there is no test ${name}`);
    return 'nothing';
  }
  try {
    await run();
    return 'passed';
  } catch (e) {
    const own = e && (e.matcherResult !== undefined || e.code === 'ERR_ASSERTION' || e.constructor.name === 'JestAssertionError');
    if (own || (e && given.raises.includes(e.constructor.name))) return 'failed';
    console.error(`${name} shows nothing:`, e);
    return 'nothing';
  }
}

exports.control = async () => {
  require(`./${given.file}`);
  process.exitCode = (await ended(given.control)) === 'passed' ? 0 : 1;
};

exports.test = async () => {
  process.exitCode = 3;
  require(`./${given.file}`);
  if ((await ended(given.control)) !== 'passed') return;
  const ending = await ended(given.test);
  if (ending === 'nothing') return;
  process.exitCode = ending === (given.fails_when_fixed ? 'passed' : 'failed') ? 10 : 0;
};
