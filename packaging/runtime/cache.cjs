// cache.cjs DIRECTORY ARGUMENT...: runs DIRECTORY/vqtune.js as `vqtune ARGUMENT...` and writes NAME.cache beside each NAME.js
// that ran, with what V8 compiled.
// Run it with --random-seed, which V8 leaves out of the cache's key: else the hashes of strings make each cache another.
'use strict'
const { readFileSync, writeFileSync } = require('node:fs')
const { resolve } = require('node:path')
const { Script } = require('node:vm')

const directory = resolve(process.argv[2])
process.argv.splice(1, 2, `${directory}/vqtune.cjs`)

function run(name) {
  // The name is not part of the key either, but of error messages: the one it will have.
  const script = new Script(readFileSync(`${directory}/${name}.js`, 'latin1'), {
    filename: `/usr/libexec/vqtune/${name}.js`,
  })
  process.on('exit', () => writeFileSync(`${directory}/${name}.cache`, script.createCachedData()))
  const own = { exports: {} }
  const load = (id) => (id === './vqtune-full.cjs' ? run('vqtune-full') : require(id))
  script.runInThisContext()(own.exports, load, own, `${directory}/${name}.js`, directory)
  return own.exports
}
run('vqtune')
