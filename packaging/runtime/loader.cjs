#!@NODE@
// Starts vqtune. V8's code cache, when it fits the runtime that runs this, saves the compiling: about a third of the time
// of a start. When it does not fit, or is missing, V8 says so and compiles; nothing else differs.
'use strict'
const { readFileSync } = require('node:fs')
const { Script } = require('node:vm')

// NAME.cjs, which is this file, runs NAME.js with NAME.cache; in the units, which have no JIT, with NAME.jitless.cache.
const base = __filename.slice(0, -'.cjs'.length)
const filename = `${base}.js`
const isJitless = `${process.env.NODE_OPTIONS} ${process.execArgv}`.includes('--jitless')
let cachedData
try {
  cachedData = readFileSync(`${base}${isJitless ? '.jitless' : ''}.cache`)
} catch {}
// latin1: the file is ASCII (packaging/runtime/app.mjs sees to it), and that is the cheapest way to a string.
const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData })
if (process.env.VQTUNE_CODE_CACHE === 'report') {
  const state = cachedData === undefined ? 'none' : script.cachedDataRejected ? 'rejected' : 'used'
  process.stderr.write(`code cache of ${filename}: ${state}\n`)
}
script.runInThisContext()(exports, require, module, filename, __dirname)
