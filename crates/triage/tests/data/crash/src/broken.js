// Node programs that throw: `broken.js KIND`.
class Frame {
  constructor(rows) { this.rows = rows }
  cell(at) { return this.rows[at].value }
}
const read = (at) => new Frame([{ value: 1 }]).cell(at)
const deep = (n) => deep(n + 1) + 1
const kinds = {
  type: () => read(4),
  deep: () => deep(1),
  custom: () => { const error = new RangeError('bad frame length'); error.code = 'E_FRAME'; throw error },
  promise: () => Promise.reject(new Error('lost chunk')),
  memory: () => { const all = []; for (;;) all.push(new Array(100000).fill(all.length)) },
}
kinds[process.argv[2]]()
