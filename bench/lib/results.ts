/** Results of the parts, kept beside the document so that it can be made from runs at different times. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import type { Kept, Machine, Part } from './part'

export const DIRECTORY = 'docs/benchmarks'

const fileOf = (name: string): string => `${DIRECTORY}/${name}.json`

/** Runs a part and keeps what it measured. */
export async function measureAndKeep<Data>(part: Part<Data>): Promise<void> {
  const before = loadavg()[0] ?? 0
  const data = await part.measure()
  const kept: Kept<Data> = { machine: thisMachine(before), data }
  mkdirSync(DIRECTORY, { recursive: true })
  writeFileSync(fileOf(part.name), `${JSON.stringify(kept, undefined, 1)}\n`)
}

/** @returns undefined when the part has never run */
export function readKept<Data>(part: Part<Data>): Kept<Data> | undefined {
  const file = fileOf(part.name)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Kept<Data>) : undefined
}

function thisMachine(loadBefore: number): Machine {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim()
  const changed = git('status', '--porcelain', '--', 'src', 'packaging', 'bench') !== ''
  return {
    at: new Date().toISOString(),
    commit: `${git('rev-parse', '--short=12', 'HEAD')}${changed ? ' with changes' : ''}`,
    node: process.versions.node,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    load: [round1(loadBefore), round1(loadavg()[0] ?? 0)],
  }
}

const round1 = (value: number): number => Math.round(value * 10) / 10
