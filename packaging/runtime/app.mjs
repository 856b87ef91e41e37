// app.mjs BUNDLE APP: makes the file that loader.cjs compiles: the bundle inside the function that Node would wrap it in,
// and in ASCII, so that it can be read as latin1.
import { readFileSync, writeFileSync } from 'node:fs'
import { Script } from 'node:vm'

const [bundle, app] = process.argv.slice(2)
const source = readFileSync(bundle, 'utf8').replace(/^#!.*\n/, '')
// \uXXXX means the same in strings, templates and regular expressions. Not in String.raw, where it would stay as it is.
const ascii = source.replaceAll(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
if (ascii !== source && source.includes('String.raw')) throw new Error('String.raw in the bundle: see above')
const wrapped = `(function (exports, require, module, __filename, __dirname) { ${ascii}\n});`
new Script(wrapped, { filename: app })
writeFileSync(app, wrapped)
