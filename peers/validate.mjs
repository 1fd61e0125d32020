// Judges documents by other people's rules: CSAF 2.0 by the BSI validator (strict schema and every mandatory test), OSV by
// the schema its own project publishes. Reads files, prints one line per error, exits 1 when there is any, 2 on bad use.
// OSV's schema lists the prefixes of the databases known to it; `--prefix NAME` judges an id as it would be if NAME were listed.
// It must not know anything about Proofhouse: a rule of ours here would make the judge partial.
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const HERE = dirname(fileURLToPath(import.meta.url))
const OSV_SCHEMA = join(HERE, '..', 'osv-schema.json')
const USE = 'use: node validate.mjs csaf FILE… | node validate.mjs osv [--prefix NAME] FILE…'

/** The judge for `kind`: a function from a parsed document to its error lines; null where there is none. */
async function judgeFor(kind, prefix) {
  if (kind === 'csaf' && !prefix) return csafJudge()
  if (kind === 'osv') return osvJudge(prefix)
  return null
}

async function csafJudge() {
  const { default: validateStrict } = await import('@secvisogram/csaf-validator-lib/validateStrict.js')
  const { csaf_2_0_strict } = await import('@secvisogram/csaf-validator-lib/schemaTests.js')
  const mandatory = await import('@secvisogram/csaf-validator-lib/mandatoryTests.js')
  const tests = [csaf_2_0_strict, ...Object.values(mandatory)]
  return async (document) => {
    const result = await validateStrict(tests, document)
    const lines = result.tests.flatMap((test) =>
      test.errors.map((error) => `${test.name}: ${error.instancePath || '/'}: ${error.message}`)
    )
    if (!result.isValid && lines.length === 0) lines.push('not valid, and the validator gave no reason')
    return lines
  }
}

async function osvJudge(prefix) {
  const { default: Ajv2020 } = await import('ajv/dist/2020.js')
  const { default: addFormats } = await import('ajv-formats')
  const ajv = new Ajv2020({ allErrors: true, strict: false })
  addFormats(ajv)
  const schema = JSON.parse(await readFile(OSV_SCHEMA, 'utf8'))
  if (prefix) schema.$defs.prefix.pattern = schema.$defs.prefix.pattern.replace('^(', `^(${prefix}|`)
  const validate = ajv.compile(schema)
  return (document) => {
    if (validate(document)) return []
    return validate.errors.map((error) => {
      const detail = Object.keys(error.params).length ? ` ${JSON.stringify(error.params)}` : ''
      return `${error.instancePath || '/'}: ${error.message}${detail}`
    })
  }
}

const [kind, ...rest] = process.argv.slice(2)
const prefix = rest[0] === '--prefix' ? rest[1] : undefined
const files = rest[0] === '--prefix' ? rest.slice(2) : rest
const judge = files.length > 0 && !/\W/.test(prefix ?? '') ? await judgeFor(kind, prefix) : null
if (!judge) {
  console.error(USE)
  process.exit(2)
}
let errors = 0
for (const file of files) {
  let lines
  try {
    lines = await judge(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    lines = [`not readable as JSON: ${error.message}`]
  }
  for (const line of lines) console.log(`${file}: ${line}`)
  errors += lines.length
}
console.log(`${kind}: ${files.length} document(s), ${errors} error(s)`)
process.exit(errors === 0 ? 0 : 1)
