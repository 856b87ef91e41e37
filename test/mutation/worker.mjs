/**
 * Runs the tests of one bundle at a time, as vitest would but in this process and with vitest's own `expect`: a process
 * for each of a thousand mutants would take hours. Message in: { id, code }. Out: { id, passed, failed }, where `failed`
 * is the first test that failed, or undefined. Ends at the first failure.
 */
import { createRequire } from 'node:module'
import { Script } from 'node:vm'
import { expect } from 'vitest'

const require = createRequire(import.meta.url)

function harness() {
  const tests = []
  const prefix = []
  const each = (declare) => (rows) => (name, body) => {
    for (const row of rows)
      declare(`${name} ${JSON.stringify(row)}`, () => body(...(Array.isArray(row) ? row : [row])))
  }
  const describe = (name, body) => {
    prefix.push(name)
    body()
    prefix.pop()
  }
  let cleanups = []
  const afterEach = []
  const it = (name, body) => tests.push({ name: [...prefix, name].join(' > '), body })
  const api = {
    describe: Object.assign(describe, { each: each(describe) }),
    it: Object.assign(it, { each: each(it) }),
    expect,
    afterEach: (body) => afterEach.push(body),
    onTestFinished: (body) => cleanups.push(body),
  }
  const run = async ({ name, body }) => {
    try {
      await body()
      return undefined
    } catch (error) {
      return `${name}: ${String(error?.message ?? error).split('\n')[0]}`
    } finally {
      for (const cleanup of [...cleanups, ...afterEach]) cleanup()
      cleanups = []
    }
  }
  return { api: { ...api, test: api.it }, tests, run }
}

async function judge(code) {
  const { api, tests, run } = harness()
  try {
    new Script(`(require, module, exports) => {${code}\n}`).runInThisContext()(
      (name) => (name === 'vitest' ? api : require(name)),
      { exports: {} },
      {},
    )
  } catch (error) {
    return { passed: 0, failed: `loading: ${String(error?.message ?? error).split('\n')[0]}` }
  }
  for (const [passed, test] of tests.entries()) {
    const failed = await run(test)
    if (failed !== undefined) return { passed, failed }
  }
  return { passed: tests.length, failed: undefined }
}

// A mutant may leave a promise that nobody awaits; its test has failed by then, or did not notice.
process.on('unhandledRejection', () => {})
process.on('message', async ({ id, code }) => process.send({ id, ...(await judge(code)) }))
