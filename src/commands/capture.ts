/** `vqtune capture FILE`: this guest as an archive that `--root` opens on another machine. Changes nothing in the guest. */

import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Reader, takeCapture } from '../capture/take'
import { EXIT, errnoOf, fileErrorInWords, VqtuneError } from '../errors'
import { captureJson, captureText } from '../output/capture'
import { parseArchive } from '../system/archive'
import { type System, tracedWrite } from '../system/system'
import { packArchive } from '../system/write-archive'
import type { CommandContext } from './command'
import { numberOption } from './number-option'
import { READERS } from './readers'

export async function run(context: CommandContext): Promise<number> {
  const { system, options, signal } = context
  const file = context.positionals[0] ?? ''
  const windowSeconds = numberOption(options, 'window', 10, 1, 3600)
  if (context.configFile !== undefined) {
    throw new VqtuneError('usage', 'capture: --config: the installed configuration is captured, no other')
  }
  const descriptor = create(file)
  let isDone = false
  try {
    const capture = await takeCapture(system, {
      readers: readers(context),
      keepsAddresses: options['keep-addresses'] === true,
      wait: () => wait(windowSeconds, signal),
    })
    const packed = packArchive(capture.entries)
    // What cannot be opened must not be sent.
    parseArchive(file, packed)
    write(system, file, descriptor, packed)
    isDone = true
    context.out(
      options.json === true ? captureJson(file, packed, capture) : captureText(file, packed, capture),
    )
    return EXIT.converged
  } finally {
    closeSync(descriptor)
    if (!isDone) unlinkSync(file)
  }
}

/** A new file for its owner alone: what is in it is for one reader, and what is there already may be the only copy. */
function create(file: string): number {
  try {
    return openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST') {
      throw new VqtuneError('usage', `${file}: exists already, and is not overwritten`, { cause })
    }
    throw fileErrorInWords(cause, file, 'cannot write')
  }
}

function write(system: System, file: string, descriptor: number, packed: Buffer): void {
  try {
    tracedWrite(system, 'replace', file, undefined, () => {
      for (let at = 0; at < packed.length; ) at += writeSync(descriptor, packed, at)
    })
  } catch (cause) {
    throw fileErrorInWords(cause, file, 'cannot write')
  }
}

/** The commands that look at a guest, on a system that remembers what they read. What they print is not needed. */
function readers(context: CommandContext): Readonly<Record<string, Reader>> {
  return Object.fromEntries(
    Object.entries(READERS).map(([name, load]): [string, Reader] => [
      name,
      async (system) => {
        const command = await load()
        const quiet = { out: () => {}, warn: () => {}, color: false }
        await command.run({ ...context, ...quiet, system, positionals: [], options: {} })
      },
    ]),
  )
}

/** @throws VqtuneError after a signal */
async function wait(seconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(seconds * 1000, undefined, { signal })
  } catch (cause) {
    throw new VqtuneError('not-converged', 'capture: interrupted', { cause })
  }
}
