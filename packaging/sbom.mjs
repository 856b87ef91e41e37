// sbom.mjs LIST DIRECTORY [NAME]: software bills of materials (CycloneDX) for the packages, in DIRECTORY: vqtune-noarch.cdx.json,
// and vqtune-ARCH.cdx.json with the runtime; with NAME, only NAME.cdx.json, of a package of that name. LIST is what bundled.mjs printed: of what npm says is installed for vqtune, only
// what is in the bundle is shipped. The same commit gives the same files: the time is SOURCE_DATE_EPOCH, and the serial number,
// which must differ from build to build otherwise, follows from the content.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const [list, out, only] = process.argv.slice(2)
if (out === undefined) throw new Error('usage: sbom.mjs LIST DIRECTORY [NAME]')
const top = fileURLToPath(new URL('..', import.meta.url))
const runtime = JSON.parse(readFileSync(`${top}packaging/runtime/runtime.json`, 'utf8'))

const bundled = new Set(
  readFileSync(list, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').slice(0, 2).join('@')),
)
const said = execFileSync(
  'npm',
  // Not --omit dev: npm then leaves out what tools of the build happen to need as well (smol-toml, zod).
  ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'],
  { cwd: top, encoding: 'utf8', maxBuffer: 1 << 26 },
)
const whole = JSON.parse(said)
const shipped = whole.components
  .filter((component) => bundled.delete(component['bom-ref']))
  // What is in the bundle is neither optional nor of the build, whatever else depends on it.
  .map((component) => ({ ...component, scope: 'required', properties: [] }))
if (bundled.size > 0) throw new Error(`npm sbom does not know ${[...bundled].join(', ')}`)

const seconds = Number(process.env.SOURCE_DATE_EPOCH ?? Date.now() / 1000)
const timestamp = new Date(Math.floor(seconds) * 1000).toISOString()

/** The runtime of one architecture, as the npm registry carries it. */
function runtimeComponent({ name, integrity }) {
  const [algorithm, digest] = integrity.split('-')
  if (algorithm !== 'sha512') throw new Error(`${name}: integrity is not sha512`)
  return {
    'bom-ref': `${name}@${runtime.version}`,
    type: 'platform',
    name: 'nodejs',
    version: runtime.version,
    description: 'Private JavaScript runtime; see LICENSE.nodejs for what it contains',
    scope: 'required',
    purl: `pkg:npm/${name}@${runtime.version}`,
    cpe: `cpe:2.3:a:nodejs:node.js:${runtime.version}:*:*:*:*:*:*:*`,
    hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }],
    licenses: [{ license: { id: 'MIT' } }],
  }
}

function write(file, runtimes) {
  const components = [...shipped, ...runtimes]
  const known = new Set(components.map((component) => component['bom-ref']))
  const root = whole.metadata.component['bom-ref']
  const dependencies = whole.dependencies
    .filter(({ ref }) => ref === root || known.has(ref))
    .map(({ ref, dependsOn = [] }) => ({
      ref,
      dependsOn: [
        ...dependsOn.filter((one) => known.has(one)),
        ...(ref === root ? runtimes.map((one) => one['bom-ref']) : []),
      ],
    }))
  const { name, description, ...own } = whole.metadata.component
  const document = {
    ...whole,
    metadata: { ...whole.metadata, timestamp, component: { ...own, name: only ?? 'vqtune', description } },
    components,
    dependencies: [...dependencies, ...runtimes.map((one) => ({ ref: one['bom-ref'], dependsOn: [] }))],
  }
  delete document.serialNumber
  // The version of npm is that of the machine, not of the package.
  delete document.metadata.tools
  const digits = createHash('sha256').update(JSON.stringify(document)).digest('hex')
  const uuid = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `5${digits.slice(13, 16)}`,
    `8${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ]
  const { $schema, bomFormat, specVersion, ...rest } = document
  const ordered = { $schema, bomFormat, specVersion, serialNumber: `urn:uuid:${uuid.join('-')}`, ...rest }
  writeFileSync(`${out}/${file}`, `${JSON.stringify(ordered, undefined, 1)}\n`)
}

mkdirSync(out, { recursive: true })
if (only === undefined) {
  write('vqtune-noarch.cdx.json', [])
  for (const [arch, runtimePackage] of Object.entries(runtime.packages)) {
    write(`vqtune-${arch}.cdx.json`, [runtimeComponent(runtimePackage)])
  }
} else write(`${only}.cdx.json`, [])
