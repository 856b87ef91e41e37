/** A captured guest in place of the running one: files from its archive, programs replayed from its recordings. */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { partsOf, readArchive } from '../../src/system/archive'
import { ArchivedSystem } from '../../src/system/archived-system'
import { openCapturedTree, withRecordings } from '../../src/system/captured-tree'
import type { RunOptions, System } from '../../src/system/system'

const GUESTS = fileURLToPath(new URL('../fixtures/guests', import.meta.url))
const ENDING = '.tar.gz'

export function guestNames(): string[] {
  return readdirSync(GUESTS)
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length))
    .sort()
}

export function guestArchive(name: string): string {
  return `${GUESTS}/${name}${ENDING}`
}

/** Guests that this worker has read. They cannot be written, so tests may share them. */
const opened = new Map<string, System>()

function openGuest(name: string): System {
  const system = opened.get(name) ?? openCapturedTree(guestArchive(name))
  opened.set(name, system)
  return system
}

/** A System on test/fixtures/guests/NAME.tar.gz as if these files, by path, had been there, too. */
export function guestWith(name: string, files: Readonly<Record<string, string>>): System {
  const tree = readArchive(guestArchive(name))
  for (const [path, text] of Object.entries(files)) {
    const parts = partsOf(path)
    const last = parts.pop() ?? ''
    let directory = tree
    for (const part of parts) {
      const next = directory.entries.get(part) ?? { kind: 'directory', entries: new Map() }
      if (next.kind !== 'directory') throw new Error(`${path}: ${part} is a ${next.kind}`)
      directory.entries.set(part, next)
      directory = next
    }
    directory.entries.set(last, { kind: 'file', content: Buffer.from(text) })
  }
  return withRecordings(new ArchivedSystem(guestArchive(name), tree))
}

/** A System on test/fixtures/guests/NAME.tar.gz. Programs that are run are noted in `calls`. */
export function capturedGuest(name: string): { system: System; calls: string[] } {
  const guest = openGuest(name)
  const calls: string[] = []
  const system: System = Object.assign(Object.create(guest), {
    run: (tool: string, args: readonly string[], options?: RunOptions) => {
      calls.push([tool, ...args].join(' '))
      return guest.run(tool, args, options)
    },
  })
  return { system, calls }
}

/** The same system, but its NICs list no MSI-X vectors, so that only ethtool tells how many channels they may have. */
export function withoutVectors<T extends System>(system: T): T {
  const { list } = system
  return Object.assign(system, {
    list: (path: string) => (path.endsWith('/msi_irqs') ? [] : list.call(system, path)),
  })
}

/** One file of a captured guest. */
export function guestFile(name: string, path: string): string {
  const system = openGuest(name)
  const text = system.readText(`${system.paths.root}/${path}`)
  if (text === undefined) throw new Error(`${guestArchive(name)}: has no ${path}`)
  return text
}

/** The names in a directory of a captured guest; none when there is no such directory. */
export function guestFiles(name: string, directory: string): readonly string[] {
  const system = openGuest(name)
  return system.list(`${system.paths.root}/${directory}`)
}

/** Writes the tree into a directory that is there: for tests that change it. */
export function unpackGuest(name: string, directory: string): void {
  execFileSync('tar', ['-xzf', guestArchive(name), '--no-same-owner', '-C', directory])
}

/** Makes the archive of a tree: of the same tree the same bytes. */
export function packGuest(tree: string, archive: string): void {
  execFileSync(fileURLToPath(new URL('pack-guest', import.meta.url)), [tree, archive])
}
