// bundled.mjs DIRECTORY: from the meta.json there, what is in the bundle: LICENSE.bundled beside it, with the licence and
// notice texts of each npm package, and on standard output one line "NAME VERSION LICENCE" for each. Fails when a package
// ships no such text and is not known below.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const out = process.argv[2]
if (out === undefined) throw new Error('usage: bundled.mjs DIRECTORY')
const top = fileURLToPath(new URL('..', import.meta.url))
const metafiles = JSON.parse(readFileSync(`${out}/meta.json`, 'utf8'))

// inputs of the outputs, not of the build: what tree shaking dropped is not shipped.
const outputs = Object.values(metafiles).flatMap((metafile) => Object.values(metafile.outputs))
const shipped = outputs.flatMap((output) =>
  Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
)
const directories = new Set(
  shipped.flatMap(([path]) => path.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1] ?? []),
)

/** Packages that say MIT in package.json and ship no text of it: the text, with the author of package.json. */
const MIT_WITHOUT_TEXT = new Set(['@nodable/entities'])
const mit = readFileSync(`${top}packaging/licences/MIT.txt`, 'utf8')

function textsOf(directory, { name, license, author }) {
  const files = readdirSync(`${top}${directory}`).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
  if (files.length > 0) return files.map((file) => readFileSync(`${top}${directory}/${file}`, 'utf8'))
  if (license !== 'MIT' || !MIT_WITHOUT_TEXT.has(name)) throw new Error(`${directory}: no licence file`)
  return [mit.replace('@HOLDER@', author.name ?? author)]
}

const packages = [...directories]
  .map((directory) => {
    const manifest = JSON.parse(readFileSync(`${top}${directory}/package.json`, 'utf8'))
    return { ...manifest, texts: textsOf(directory, manifest) }
  })
  .sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1))

const rule = '-'.repeat(78)
writeFileSync(
  `${out}/LICENSE.bundled`,
  packages
    .map(({ name, version, license, texts }) =>
      [
        rule,
        `${name} ${version} (${license})`,
        rule,
        ...texts.map((text) => text.replaceAll('\r', '').trim()),
        '',
      ].join('\n\n'),
    )
    .join('\n'),
)
process.stdout.write(packages.map(({ name, version, license }) => `${name} ${version} ${license}\n`).join(''))
