/**
 * The keys of vqtune.toml, their types and ranges, all optional.
 * The message of each schema is the text after "allowed is" in an error. Loaded only if a file sets keys.
 */

import * as z from 'zod/mini'
import * as core from 'zod/v4/core'
import type { SwitchValue } from '../model'
import { GUARDED_NAMES, SWITCHES } from '../tunables/index'
import { describeSize, type SizeValues } from '../tunables/tunable'
import { globMatcher } from './match'

// Compiling a validator costs more than it saves, as each file is checked once.
z.config({ jitless: true })

const MAX_QUEUE_PAIRS = 256

function wholeNumber(low: number, high: number, error = `${low} to ${high}`) {
  return z.int({ error }).check(z.minimum(low, { error }), z.maximum(high, { error }))
}

/** The number has the whole text too: for a union with one near branch, zod reports only that branch's message. */
function queuePairsOr<const W extends string>(word: W) {
  const error = `1 to ${MAX_QUEUE_PAIRS}, or "${word}"`
  return z.union([wholeNumber(1, MAX_QUEUE_PAIRS, error), z.literal(word)], { error })
}

function oneOf<const T extends readonly [string, ...string[]]>(...words: T) {
  return z.enum(words, { error: words.map((word) => `"${word}"`).join(' or ') })
}

function sizeOr({ least, most, words }: SizeValues) {
  const error = `${describeSize({ least, most })}, or ${words.map((word) => `"${word}"`).join(' or ')}`
  const isPower = (value: number): boolean => Number.isInteger(Math.log2(value))
  const size = wholeNumber(least, most, error).check(z.refine(isPower, { error }))
  return z.union([size, z.enum(words, { error })], { error })
}

function trueOrFalse() {
  return z.boolean({ error: 'true or false' })
}

/** A string that a test accepts. */
function text(error: string, isValid: (value: string) => boolean) {
  return z.string({ error }).check(z.refine(isValid, { error }))
}

/** A table whose keys are all optional. */
function table<const S extends Record<string, z.ZodMiniType>>(shape: S, error = 'a table') {
  const optional = Object.fromEntries(Object.entries(shape).map(([key, schema]) => [key, z.optional(schema)]))
  return z.strictObject(optional as { [K in keyof S]: z.ZodMiniOptional<S[K]> }, { error })
}

function isAbsolutePath(value: string): boolean {
  // A line feed or another control character in a path is a mistake, and would break our output lines.
  return value.startsWith('/') && !/\p{Cc}/u.test(value) && !value.split('/').includes('..')
}

/** The longest sun_path without its terminator; see unix(7). */
const MAX_SOCKET_PATH_BYTES = 107

/** `127.0.0.1:9917` -> 9917; undefined for anything else. */
export function loopbackPort(value: string): number | undefined {
  const port = Number(/^127\.0\.0\.1:(\d{1,5})$/.exec(value)?.[1])
  return port >= 1 && port <= 65_535 ? port : undefined
}

function isListenAddress(value: string): boolean {
  if (value === 'none' || loopbackPort(value) !== undefined) return true
  const path = value.startsWith('unix:') ? value.slice('unix:'.length) : ''
  return isAbsolutePath(path) && !path.endsWith('/') && Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES
}

function isGlob(value: string): boolean {
  try {
    return value.length <= 128 && globMatcher(value) !== undefined
  } catch {
    return false
  }
}

function isMacGlob(value: string): boolean {
  const whole = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(value)
  return whole || (/[*?[]/.test(value) && /^[0-9a-f:*?[\]!^-]+$/i.test(value) && isGlob(value))
}

/** The keys that tunables declare. */
function switchKeys(): Record<string, z.ZodMiniType<SwitchValue>> {
  return Object.fromEntries(
    SWITCHES.map(({ key, values }) => {
      if (values === 'boolean') return [key, trueOrFalse()]
      return [key, 'words' in values ? sizeOr(values) : oneOf(...values)]
    }),
  )
}

const NIC_KEYS = {
  enabled: trueOrFalse(),
  cap: queuePairsOr('none'),
  channels: queuePairsOr('auto'),
  ...switchKeys(),
  'on-conflict': oneOf('reassert', 'yield', 'report'),
}

const MATCH = table(
  {
    name: text('a glob over interface names, such as "eth*"', isGlob),
    mac: text('a MAC address or a glob over it, such as "52:54:00:*"', isMacGlob),
    pci: text('a PCI address, such as "0000:00:03.0"', (value) =>
      /^([0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i.test(value),
    ),
    virtio: text('a name on the virtio bus, such as "virtio2"', (value) => /^virtio\d{1,6}$/.test(value)),
  },
  'a table, such as { name = "eth*" }',
)

const CRON = text('a cron expression, such as "*/5 * * * *"', (value) => /^[\x20-\x7e]{1,200}$/.test(value))

export const FRAGMENT = table({
  'isolated-cpus': oneOf('avoid', 'use'),
  boot: table({
    'wait-ms': wholeNumber(0, 60_000),
    // Below TimeoutStartSec= of the unit, which would kill it without a message.
    'limit-ms': wholeNumber(1_000, 25_000),
  }),
  daemon: table({
    'report-cron': CRON,
    'check-cron': CRON,
    'jitter-seconds': wholeNumber(0, 3_600),
    'debounce-ms': wholeNumber(10, 60_000),
    'conflict-reversals': wholeNumber(1, 1_000),
    'conflict-window-seconds': wholeNumber(1, 86_400),
    'conflict-backoff-seconds': wholeNumber(1, 86_400),
    // `vqtune drift` reads it whole, and the daemon writes half of it anew each time it is full.
    'history-size-kib': wholeNumber(16, 65_536),
    'log-level': oneOf('error', 'warn', 'info', 'debug'),
    'log-format': oneOf('text', 'json'),
  }),
  metrics: table({
    textfile: text(
      'an absolute path that ends in .prom, or "none"',
      (value) => value === 'none' || (isAbsolutePath(value) && /[^/]\.prom$/.test(value)),
    ),
    listen: text('"none", "unix:/run/vqtune/metrics.sock" or "127.0.0.1:PORT"', isListenAddress),
  }),
  guard: table({
    enabled: trueOrFalse(),
    'window-seconds': wholeNumber(5, 3_600),
    'regression-percent': wholeNumber(1, 99),
    'commit-confirm-seconds': wholeNumber(0, 600),
    watch: text(`some of ${GUARDED_NAMES.join(', ')}, separated by commas`, (value) =>
      value.split(',').every((name) => GUARDED_NAMES.includes(name)),
    ),
  }),
  defaults: table(NIC_KEYS),
  nic: z.array(table({ match: MATCH, ...NIC_KEYS }), {
    error: 'tables written as [[nic]], one per rule',
  }),
})

/** One file as written, checked. */
export type Fragment = z.infer<typeof FRAGMENT>
export type FragmentNic = NonNullable<Fragment['defaults']>

/** All keys, dotted, with `nic[]` for any rule; the man page and the example must name them all. */
export function grammarKeys(): readonly string[] {
  return keysBelow(FRAGMENT, '')
}

function keysBelow(schema: core.$ZodType, path: string): string[] {
  const inner = withoutOptional(schema)
  if (inner instanceof core.$ZodArray) return keysBelow(inner._zod.def.element, `${path}[]`)
  if (!(inner instanceof core.$ZodObject)) return [path]
  return Object.entries(inner._zod.def.shape).flatMap(([key, child]) =>
    keysBelow(child as core.$ZodType, path === '' ? key : `${path}.${key}`),
  )
}

export interface AllowedValues {
  /** As in an error: `1 to 256, or "none"`. */
  readonly allowed: string
  /** If they are a few words. */
  readonly choices: readonly string[] | undefined
}

/** What a key of [[nic]] may be set to. @param key one of NIC_KEYS of settings.ts */
export function allowedForNic(key: string): AllowedValues {
  const schema = (NIC_KEYS as Readonly<Record<string, z.ZodMiniType>>)[key] as z.ZodMiniType
  const choices =
    schema instanceof core.$ZodBoolean
      ? ['true', 'false']
      : schema instanceof core.$ZodEnum
        ? Object.keys(schema._zod.def.entries)
        : undefined
  // Nothing is allowed to be a table; the message of each schema is the text that is wanted.
  const allowed = z.safeParse(schema, {}).error?.issues[0]?.message
  return { allowed: String(allowed), choices }
}

/** The known keys of the table at a path; empty if there is no such table. */
export function keysKnownAt(path: readonly PropertyKey[]): readonly string[] {
  let schema: core.$ZodType = FRAGMENT
  for (const part of path) {
    schema = withoutOptional(schema)
    if (schema instanceof core.$ZodArray) schema = schema._zod.def.element
    else if (schema instanceof core.$ZodObject) {
      const child: unknown = schema._zod.def.shape[String(part)]
      if (!(child instanceof core.$ZodType)) return []
      schema = child
    } else return []
  }
  const found = withoutOptional(schema)
  return found instanceof core.$ZodObject ? Object.keys(found._zod.def.shape) : []
}

function withoutOptional(schema: core.$ZodType): core.$ZodType {
  return schema instanceof core.$ZodOptional ? schema._zod.def.innerType : schema
}
