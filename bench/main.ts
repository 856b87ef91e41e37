/** Measures the named parts, or all, and writes the document from everything that is kept. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { type Chapter, renderDocument } from './lib/document'
import type { Part } from './lib/part'
import { DIRECTORY, measureAndKeep, readKept } from './lib/results'
import { boot } from './parts/boot'
import { fleet } from './parts/fleet'
import { hostCheck } from './parts/host'
import { idle } from './parts/idle'
import { otherWriters } from './parts/other-writers'
import { progress } from './parts/progress'
import { reaction } from './parts/reaction'
import { runtimes } from './parts/runtimes'
import { scale } from './parts/scale'
import { soak } from './parts/soak'
import { startup } from './parts/startup'
import { storm } from './parts/storm'

/** In the order of the document. */
const PARTS: readonly Part<unknown>[] = [
  startup,
  scale,
  progress,
  boot,
  otherWriters,
  idle,
  runtimes,
  reaction,
  storm,
  soak,
  hostCheck,
  fleet,
].map((part) => part as Part<unknown>)

async function main(names: readonly string[]): Promise<void> {
  const known = PARTS.map(({ name }) => name)
  const unknown = names.find((name) => name !== 'document' && !known.includes(name))
  if (unknown !== undefined) {
    throw new Error(
      `${unknown}: no such part; there are ${known.join(', ')}, and document, which measures nothing`,
    )
  }
  for (const part of PARTS) {
    if (names.length > 0 && !names.includes(part.name)) continue
    console.error(`measuring ${part.name}`)
    await measureAndKeep(part)
  }
  writeDocument()
}

function writeDocument(): void {
  mkdirSync(DIRECTORY, { recursive: true })
  const chapters: Chapter[] = []
  for (const part of PARTS) {
    const kept = readKept(part)
    if (kept === undefined) continue
    const section = part.section(kept.data)
    for (const { file, svg } of section.charts) writeFileSync(`${DIRECTORY}/${file}.svg`, svg)
    chapters.push({ name: part.name, machine: kept.machine, section })
  }
  writeFileSync('docs/benchmarks.md', renderDocument(chapters))
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
