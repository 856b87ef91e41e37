// Mutation testing of the planner: `npm run mutation [-- FILE...]`. Changes the planner's source in one place at a time and runs
// the tests below on it. A mutant that no test notices is printed.
// Exits with 1 when one survives that ACCEPTED does not list, or when one listed there is killed or gone.
import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { context } from 'esbuild'
import { ACCEPTED } from './accepted.mjs'
import { mutantsOf } from './mutants.mjs'

const top = fileURLToPath(new URL('../..', import.meta.url))

/** What decides which steps are planned. */
const PLANNER = [
  'src/planner/target.ts',
  'src/planner/layout.ts',
  'src/planner/driver-layout.ts',
  'src/planner/plan.ts',
  'src/planner/operations.ts',
  'src/planner/regression-hold.ts',
  'src/tunables/channels.ts',
  'src/tunables/codecs.ts',
  'src/tunables/engine.ts',
  'src/tunables/erased.ts',
  'src/tunables/irq-affinity.ts',
  'src/tunables/kernel-layout.ts',
  'src/tunables/rfs.ts',
  'src/tunables/rps.ts',
  'src/tunables/xps.ts',
]

/** The quickest first: most mutants die of the first test that plans anything. */
const TESTS = [
  'test/unit/planner/target.test.ts',
  'test/unit/planner/layout.test.ts',
  'test/unit/planner/driver-layout.test.ts',
  'test/unit/planner/plan.test.ts',
  'test/unit/tunables/engine.test.ts',
  'test/unit/tunables/erased.test.ts',
  'test/unit/tunables/channels.test.ts',
  'test/unit/tunables/irq-affinity.test.ts',
  'test/unit/tunables/xps.test.ts',
  'test/unit/tunables/rps.test.ts',
  'test/unit/tunables/rfs.test.ts',
  'test/unit/tunables/codecs.test.ts',
  'test/unit/tunables/kernel-layout.test.ts',
  'test/unit/planner/operations.test.ts',
  'test/unit/planner/regression-hold.test.ts',
  'test/unit/tunables/index.test.ts',
  'test/unit/tunables/tunable.test.ts',
  'test/unit/planner/describe.test.ts',
  'test/unit/planner/reconcile.test.ts',
  'test/unit/drift/classify.test.ts',
  'test/unit/config/grammar.test.ts',
  'test/scenarios/scenarios.test.ts',
]

/** Many times what all tests take. A mutant that needs longer loops for ever, which a person at the terminal would notice. */
const LIMIT_MS = Number(process.env.VQTUNE_MUTANT_MS ?? 60_000)

/** Bundles of all tests on a source in which one file may be another text. */
async function bundler() {
  let replaced = { path: '', text: '' }
  const mutate = {
    name: 'mutate',
    setup({ onLoad }) {
      onLoad({ filter: /\/(src|test)\/.*\.ts$/ }, ({ path }) => {
        const text = path === replaced.path ? replaced.text : readFileSync(path, 'utf8')
        return {
          contents: text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
          loader: 'ts',
        }
      })
    },
  }
  const building = await context({
    stdin: { contents: TESTS.map((file) => `import './${file}'`).join('\n'), resolveDir: top, loader: 'ts' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    packages: 'external',
    logLevel: 'silent',
    plugins: [mutate],
  })
  return {
    bundle: async (path, text) => {
      replaced = { path: `${top}${path}`, text }
      return (await building.rebuild()).outputFiles[0].text
    },
    dispose: () => building.dispose(),
  }
}

/** A process that judges bundles one after the other, and is replaced when one takes too long or ends it. */
class Judge {
  #child = undefined
  #served = 0

  async judge(code) {
    // Modules of earlier bundles stay in memory.
    if (this.#served++ % 200 === 199) this.close()
    this.#child ??= fork(`${top}test/mutation/worker.mjs`, { stdio: 'ignore' })
    const child = this.#child
    return new Promise((resolve) => {
      const finish = (result) => {
        clearTimeout(timer)
        child.removeAllListeners()
        if (result.failed === 'time is up' || result.failed === 'ended') this.close()
        resolve(result)
      }
      const timer = setTimeout(() => finish({ failed: 'time is up' }), LIMIT_MS)
      child.once('message', finish)
      child.once('exit', () => finish({ failed: 'ended' }))
      child.send({ code })
    })
  }

  close() {
    this.#child?.removeAllListeners()
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }
}

const chosen = process.argv.slice(2)
const files = chosen.length === 0 ? PLANNER : PLANNER.filter((file) => chosen.includes(file))
const sources = new Map(files.map((file) => [file, readFileSync(`${top}${file}`, 'utf8')]))
const mutants = [...sources].flatMap(([file, text]) => mutantsOf(file, text))
/** Without the line's number, so that edits elsewhere in the file do not matter. */
const named = ({ file, line, was, text }) =>
  `${file}: ${sources.get(file).split('\n')[line - 1].trim()} | ${oneLine(was)} -> ${oneLine(text)}`

function oneLine(text) {
  const line = text.replace(/\s+/g, ' ')
  return line.length > 90 ? `${line.slice(0, 87)}...` : line
}

const { bundle, dispose } = await bundler()
const judges = cpus().map(() => new Judge())
const whole = await judges[0].judge(await bundle('', ''))
if (whole.failed !== undefined) throw new Error(`the tests fail without any mutant: ${whole.failed}`)

const survivors = []
const counts = { killed: 0, timedOut: 0, survived: 0, invalid: 0 }
let next = 0
/** esbuild builds one bundle at a time. */
let building = Promise.resolve()
async function work(judge) {
  while (next < mutants.length) {
    const mutant = mutants[next++]
    const text = sources.get(mutant.file)
    const changed = text.slice(0, mutant.from) + mutant.text + text.slice(mutant.to)
    const built = building.then(() => bundle(mutant.file, changed).catch(() => undefined))
    building = built
    const code = await built
    if (code === undefined) {
      counts.invalid++
      continue
    }
    const { failed } = await judge.judge(code)
    if (failed === undefined) {
      counts.survived++
      survivors.push(mutant)
    } else if (failed === 'time is up') counts.timedOut++
    else counts.killed++
    if (process.env.VQTUNE_MUTANTS_SHOWN === 'all')
      console.log(
        `${failed === undefined ? 'SURVIVED' : 'killed'} ${mutant.line} ${named(mutant)} ${failed ?? ''}`,
      )
  }
  judge.close()
}
await Promise.all(judges.map(work))
await dispose()

const open = survivors.filter((mutant) => !ACCEPTED.has(named(mutant)))
const names = new Set(survivors.map(named))
const stale = chosen.length === 0 ? [...ACCEPTED.keys()].filter((name) => !names.has(name)) : []
for (const mutant of open.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line))
  console.log(`survived: line ${mutant.line} of ${named(mutant)}`)
for (const name of stale) console.log(`accepted, but no survivor: ${name}`)
const { killed, timedOut, survived, invalid } = counts
console.log(
  `${mutants.length} mutants: ${killed + timedOut} killed, ${timedOut} of them by time, ` +
    `${survived} survived (${survived - open.length} accepted), ${invalid} do not compile; ${whole.passed} tests`,
)
process.exitCode = open.length + stale.length === 0 ? 0 : 1
