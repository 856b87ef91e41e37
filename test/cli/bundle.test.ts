import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { BUNDLE } from '../support/bundle'

/** They load much more: packaging/lean has what is there instead. */
const HEAVY = ['assert', 'crypto', 'perf_hooks', 'stream', 'tls', 'worker_threads', 'zlib']

test.each(['vqtune', 'vqtune-config', 'vqtune-daemon'])(
  '%s loads no module that is heavy, and no ICU',
  (chunk) => {
    const text = readFileSync(BUNDLE.replace(/vqtune\.cjs$/, `${chunk}.cjs`), 'utf8')
    const loaded = [...text.matchAll(/require\("(?:node:)?([\w/]+)"\)/g)].map(([, name]) => name)
    expect(loaded).toContain('child_process')
    expect(loaded.filter((name) => HEAVY.includes(name ?? ''))).toEqual([])
    expect(text).not.toMatch(/\bIntl\b|localeCompare|toLocale/)
  },
)
