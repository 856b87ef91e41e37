/** Small guests in which another writer is at work, and what it is found to write. */
import { chmodSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { System } from '../../src/system/system'
import { boundedSearch } from '../../src/writers/bounded-system'
import type { KnownWriter, Writer, WriterTarget } from '../../src/writers/writer'
import { type FakeProcess, processFiles, systemWith } from './systems'

const irq = (number: number, name: string) => ({ irq: number, name, affinity: [0], effective: [0] })

/** Two queues, with interrupts 25 to 28. */
export const NIC: WriterTarget = {
  name: 'ens3',
  altnames: ['enp0s3'],
  mac: '52:54:00:ab:cd:01',
  bus: 'pci',
  busAddress: '0000:00:03.0',
  queues: [
    { index: 0, rxIrq: irq(25, 'virtio0-input.0'), txIrq: irq(26, 'virtio0-output.0') },
    { index: 1, rxIrq: irq(27, 'virtio0-input.1'), txIrq: irq(28, 'virtio0-output.1') },
  ],
}

/** Paths as the guest has them. */
export function withoutRoot(writer: Writer, { paths }: System): Writer {
  const { where, remedy } = writer
  return { ...writer, where: where.replace(paths.root, ''), remedy: remedy.replaceAll(paths.root, '') }
}

/** What one writer is found to write in a guest with these files. */
export function foundBy(
  { find }: Pick<KnownWriter, 'find'>,
  files: Readonly<Record<string, string>>,
  nic = NIC,
): readonly Writer[] {
  const system = systemWith(files)
  return find(boundedSearch(system).system, nic).map((writer) => withoutRoot(writer, system))
}

/** The same, if these reads or listings fail. */
export function foundThoughFailing(
  { find }: Pick<KnownWriter, 'find'>,
  files: Readonly<Record<string, string>>,
  {
    errno,
    what,
    where,
  }: { readonly errno: string; readonly what: 'readText' | 'list'; readonly where: RegExp },
): readonly Writer[] {
  const system = systemWith(files)
  const real = system[what].bind(system) as (path: string) => unknown
  const failing: System = Object.assign(Object.create(system), {
    [what]: (path: string) => {
      if (where.test(path)) throw Object.assign(new Error(errno), { code: errno })
      return real(path)
    },
  })
  return find(failing, NIC).map((writer) => withoutRoot(writer, system))
}

/** A guest of test/fixtures/writers. */
interface Case {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly links?: Readonly<Record<string, string>>
  readonly processes?: Readonly<Record<string, FakeProcess & { readonly name: string }>>
  /** Everything else is. */
  readonly notExecutable?: readonly string[]
  /** `yes channels /etc/rc.local:2 = 2`: how surely, what, where and which value. */
  readonly found: readonly string[]
}

export const fixtureOf = (name: string): string => `test/fixtures/writers/${name}.json`

function guestOf({ files, links = {}, processes = {}, notExecutable = [] }: Case): System {
  const running = Object.entries(processes).map(([pid, { name, ...more }]) =>
    processFiles(Number(pid), name, more),
  )
  const system = systemWith(Object.assign({}, files, ...running))
  const { root } = system.paths
  for (const path of Object.keys(files))
    if (!path.startsWith('/proc/')) chmodSync(`${root}${path}`, notExecutable.includes(path) ? 0o644 : 0o755)
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(dirname(`${root}${path}`), { recursive: true })
    symlinkSync(target, `${root}${path}`)
  }
  return system
}

/** The guests of its fixture, whose NIC is eth1: in which the writer is at work, or only looks like it. */
export function testFixture({ name, find }: KnownWriter): void {
  const cases: readonly Case[] = JSON.parse(readFileSync(fixtureOf(name), 'utf8'))
  describe(`guests of ${fixtureOf(name)}`, () => {
    test('it is at work in one of them at least', () => {
      expect(cases.some(({ found }) => found.length > 0)).toBe(true)
    })

    test.each(cases.map((one) => [one.name, one] as const))('%s', (_title, one) => {
      const system = guestOf(one)
      const { root } = system.paths
      const writers = find(boundedSearch(system).system, { ...NIC, name: 'eth1' })
      expect(writers.filter(({ writer }) => writer !== name)).toEqual([])
      const shown = writers.map(
        ({ matches, tunable, where, value }) =>
          `${matches} ${tunable} ${where.replace(root, '')}${value === undefined ? '' : ` = ${value}`}`,
      )
      expect(shown.sort()).toEqual([...one.found].sort())
      for (const { what, remedy } of writers) {
        expect(`${what} ${remedy}`).not.toMatch(/\n|\r|undefined/)
        expect(`${what} ${remedy}`).not.toContain(root)
      }
    })
  })
}
