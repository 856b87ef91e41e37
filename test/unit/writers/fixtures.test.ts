/** Each writer of the registry has a file in test/fixtures/writers: guests in which it is at work, or only looks like it. */
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { searchWriters, WRITER_NAMES, WRITERS } from '../../../src/writers/index'
import type { WriterTarget } from '../../../src/writers/writer'
import { type FakeProcess, processFiles, systemWith } from '../../support/systems'

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

const irq = (number: number, name: string) => ({ irq: number, name, affinity: [0], effective: [0] })
const NIC: WriterTarget = {
  name: 'eth1',
  altnames: ['enp0s3'],
  mac: '52:54:00:ab:cd:01',
  bus: 'pci',
  busAddress: '0000:00:03.0',
  queues: [
    { index: 0, rxIrq: irq(25, 'virtio0-input.0'), txIrq: irq(26, 'virtio0-output.0') },
    { index: 1, rxIrq: irq(27, 'virtio0-input.1'), txIrq: irq(28, 'virtio0-output.1') },
  ],
}

const fixture = (name: string): string => `test/fixtures/writers/${name}.json`
const casesOf = (name: string): readonly Case[] => JSON.parse(readFileSync(fixture(name), 'utf8'))

/** irqbalance's are in writers.test.ts. */
const NAMES = WRITER_NAMES.filter((name) => name !== 'irqbalance')

function search({ files, links = {}, processes = {}, notExecutable = [] }: Case) {
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
  return { root, ...searchWriters(system, NIC) }
}

test('every writer has a fixture in which it is found, and a title and name of its own', () => {
  expect(NAMES.filter((name) => !existsSync(fixture(name)))).toEqual([])
  for (const name of NAMES)
    expect(
      casesOf(name).some(({ found }) => found.length > 0),
      name,
    ).toBe(true)
  expect(new Set(WRITER_NAMES).size).toBe(WRITERS.length)
  expect(new Set(WRITERS.map(({ title }) => title)).size).toBe(WRITERS.length)
})

describe.each(NAMES)('%s', (name) => {
  test.each(casesOf(name).map((one) => [one.name, one] as const))('%s', (_title, one) => {
    const { root, writers } = search(one)
    const own = writers.filter(({ writer }) => writer === name)
    const shown = own.map(
      ({ matches, tunable, where, value }) =>
        `${matches} ${tunable} ${where.replace(root, '')}${value === undefined ? '' : ` = ${value}`}`,
    )
    expect(shown.sort()).toEqual([...one.found].sort())
    for (const { what, remedy } of own) {
      expect(`${what} ${remedy}`).not.toMatch(/\n|\r|undefined/)
      expect(`${what} ${remedy}`).not.toContain(root)
    }
  })
})
