// cache.cjs DIRECTORY ARGUMENT...: runs DIRECTORY/vqtune.js as `vqtune ARGUMENT...` and writes NAME.cache beside each NAME.js
// that ran, with what V8 compiled; with --jitless, for the units, NAME.jitless.cache.
//
// The same bytes each time: run it with --random-seed, which V8 leaves out of the cache's key, for the hashes of strings;
// and functions keep a mark when another compiler has taken them, which depends on time, so those are off meanwhile.
'use strict'
const { readFileSync, writeFileSync } = require('node:fs')
const { resolve } = require('node:path')
const { setFlagsFromString } = require('node:v8')
const { Script } = require('node:vm')

const isJitless = process.execArgv.includes('--jitless')
const suffix = isJitless ? '.jitless.cache' : '.cache'
// Without the JIT there are none: to switch them on would be another key.
const COMPILERS = isJitless ? [] : ['sparkplug', 'maglev', 'opt']
for (const compiler of COMPILERS) setFlagsFromString(`--no-${compiler}`)
// Before the caches are written, and on again in time: flags are part of the key.
process.on('exit', () => {
  for (const compiler of COMPILERS) setFlagsFromString(`--${compiler}`)
})

const directory = resolve(process.argv[2])
process.argv.splice(1, 2, `${directory}/vqtune.cjs`)

function run(name) {
  // The name is not part of the key either, but of error messages: the one it will have.
  const script = new Script(readFileSync(`${directory}/${name}.js`, 'latin1'), {
    filename: `/usr/libexec/vqtune/${name}.js`,
  })
  process.on('exit', () => writeFileSync(`${directory}/${name}${suffix}`, script.createCachedData()))
  const own = { exports: {} }
  const load = (id) => (id.startsWith('./') ? run(id.slice('./'.length, -'.cjs'.length)) : require(id))
  script.runInThisContext()(own.exports, load, own, `${directory}/${name}.js`, directory)
  return own.exports
}
run('vqtune')
