/** The test command's last lines: what failed, by name, then one line of counts. `node summary.mjs DIR`: vitest's reports are there. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const [directory] = process.argv.slice(2)
const counts = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 }
for (const file of readdirSync(directory).filter((name) => /^report-.*\.json$/.test(name))) {
  const report = JSON.parse(readFileSync(join(directory, file), 'utf8'))
  for (const key of Object.keys(counts)) counts[key] += report[key]
  for (const { name, status, message, assertionResults } of report.testResults) {
    const failed = assertionResults.filter((test) => test.status === 'failed')
    for (const test of failed) console.log(`FAILED ${name}: ${test.fullName}`)
    // A file that cannot be loaded has no tests that could fail.
    if (status === 'failed' && failed.length === 0) console.log(`FAILED ${name}: ${message}`)
  }
}
// What fails a run without failing a test: coverage below its threshold, an error that nobody caught.
for (const file of readdirSync(directory).filter((name) => name.startsWith('errors-'))) {
  const run = file.slice('errors-'.length)
  const lines = stripVTControlCharacters(readFileSync(join(directory, file), 'utf8')).split('\n')
  for (const [at, line] of lines.entries()) {
    const heading = lines[at - 1] ?? ''
    if (/^ERROR/.test(line) || /(Uncaught Exception|Unhandled Rejection) \u23af/.test(heading))
      console.log(`FAILED ${run}: ${line}`)
  }
}
console.log(
  `${counts.numPassedTests} passed, ${counts.numFailedTests} failed, ${counts.numPendingTests} skipped`,
)
