import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { scaled } from './wait'

export interface Lock {
  release(): void
}

export interface LockOptions {
  waitMs: number
  /** What is waited for, for the progress line and the error. */
  what: string
}

/**
 * A lock between processes on a file. flock(1) holds it, and its child ends when our end of the pipe closes:
 * so it is released whatever happens to this process.
 */
export async function acquireLock(file: string, options: LockOptions): Promise<Lock> {
  mkdirSync(dirname(file), { recursive: true })
  const waitSeconds = String(Math.ceil(scaled(options.waitMs) / 1000))
  const holder = spawn('flock', ['--wait', waitSeconds, file, 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const notice = setTimeout(() => progress(`waiting for ${options.what}`), 2000)
  try {
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once('data', () => resolve())
      holder.once('error', reject)
      holder.once('exit', (code) =>
        reject(new Error(`${options.what}: not free within ${waitSeconds} s (flock ${code})`)),
      )
    })
  } finally {
    clearTimeout(notice)
  }
  // Neither the process nor its pipes may keep the test process alive.
  holder.unref()
  return {
    release: () => {
      holder.stdin.end()
    },
  }
}

export function progress(line: string): void {
  process.stderr.write(`[vm] ${line}\n`)
}
