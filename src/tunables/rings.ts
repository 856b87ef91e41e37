/**
 * Ring sizes (ethtool -g, -G): how many packets the host may put into a receive queue, or the guest into a transmit queue,
 * before the other side looks. The driver begins with the maximum.
 *
 * virtnet_set_ringparam() (Linux 6.0, RHEL 9.3) resets each queue by itself: its transmit queue stops for a moment, and what is
 * in the ring is lost. Interrupts, their affinity, XPS and channels stay (vp_modern_enable_vq_after_reset() keeps the vector). The
 * device forgets coalescing, which the driver sends again; what was set for a single queue is then what all queues have.
 */
import { VqtuneError } from '../errors'
import { classifyRefusal } from '../kernel/ethtool'
import { readRings } from '../kernel/rings'
import type { NicSettings, RecordedValues, Step } from '../model'
import type { System, ToolResult } from '../system/system'
import { COUNT } from './codecs'
import { StepRefused } from './refused'
import type { NicContext, Switch, Tunable, Wanted } from './tunable'

const DIRECTIONS = ['rx', 'tx'] as const
type Direction = (typeof DIRECTIONS)[number]

/** Its key in the configuration. */
const switchKey = (direction: Direction): string => `${direction}-ring`

/**
 * Fewer than a packet can have pieces (MAX_SKB_FRAGS + 2, 19) and the transmit queue would stop for good; a split ring has a
 * power of two. 32768 is the largest queue of the virtio specification.
 */
const SIZES = { least: 64, most: 32_768, words: ['keep', 'max'] } as const

const RECEIVE: Switch = {
  key: switchKey('rx'),
  values: { ...SIZES, setting: 'rx' },
  default: 'keep',
  help: 'Size of the receive rings in descriptors (ethtool -G), for which Linux 6.0 or RHEL 9.3 and a host with VIRTIO_F_RING_RESET (QEMU 7.2) are needed. "keep" changes nothing. "max": what the host allows. A number is limited by what the host allows. A change stops each queue for a moment and loses the packets in it; interrupts and XPS stay.',
}
const TRANSMIT: Switch = {
  key: switchKey('tx'),
  values: { ...SIZES, setting: 'tx' },
  default: 'keep',
  help: 'The same for the transmit rings.',
}

/** Whether any of these rules says more than "keep", so that ethtool must be asked for the sizes. */
export function concernsRings(rules: readonly { readonly settings: Partial<NicSettings> }[]): boolean {
  return rules.some(({ settings: { switches = {} } }) =>
    DIRECTIONS.some((direction) => (switches[switchKey(direction)] ?? 'keep') !== 'keep'),
  )
}

/** Whether sizes were recorded. */
export function hasRings(recorded: RecordedValues = {}): boolean {
  return recorded[rings.name] !== undefined
}

export const rings: Tunable<number> = {
  name: 'rings',
  noun: 'ring size',
  codec: COUNT,
  switch: RECEIVE,
  furtherSwitches: [TRANSMIT],
  read: (_system, { rings: sizes }) =>
    typeof sizes !== 'object'
      ? []
      : DIRECTIONS.map((key) => ({ key, value: sizes[key], label: `${key} ring` })),
  desire(context) {
    const { rings: sizes = 'unknown', features } = context.nic
    if (!DIRECTIONS.some((direction) => isAsked(context, direction))) return { wanted: [], skips: [] }
    if (typeof sizes !== 'object') return { wanted: [], skips: [NO_SIZES[sizes]] }
    const wanted = DIRECTIONS.flatMap((direction) =>
      wantedOf(context, direction, sizes[`${direction}Maximum`]),
    ).filter(({ key, value }) => value !== sizes[key])
    return wanted.length > 0 && !features.ringReset
      ? { wanted: [], skips: [{ code: 'no-ring-reset', why: NO_RING_RESET }] }
      : { wanted, skips: [] }
  },
  write: writeSize,
}

const NO_SIZES = {
  unsupported: { code: 'unsupported', why: 'the driver shows no ring sizes (ethtool -g)' },
  unknown: { code: 'unknown-rings', why: 'ethtool -g fails: the ring sizes are unknown' },
} as const

const NO_RING_RESET =
  'host and driver have not agreed on VIRTIO_F_RING_RESET, without which a ring keeps its size: Linux 6.0 or RHEL 9.3 is needed here, and on the host QEMU 7.2 with a machine type as new'

function isAsked({ settings: { switches } }: NicContext, direction: Direction): boolean {
  return (switches[switchKey(direction)] ?? 'keep') !== 'keep'
}

function wantedOf(
  context: NicContext,
  key: Direction,
  maximum: number,
): readonly (Wanted<number> & { readonly key: Direction })[] {
  if (!isAsked(context, key)) return []
  const value = context.settings.switches[switchKey(key)]
  if (value === 'max') return [{ key, value: maximum, reason: 'the maximum of the host' }]
  const size = Number(value)
  return size > maximum
    ? [{ key, value: maximum, reason: `the maximum of the host; the configuration asks for ${size}` }]
    : [{ key, value: size, reason: 'set by the configuration' }]
}

async function writeSize(system: System, step: Step, size: number): Promise<void> {
  const { nic, key, old } = step
  const set = (value: string): Promise<ToolResult> =>
    system.run('ethtool', ['-G', nic, key, value], { timeoutMs: 15_000 })
  const result = await set(String(size))
  if (result.code === 0 || /no ring parameters changed/.test(result.stderr + result.stdout)) return
  // Some kernels (6.8 to 6.10) stop after queue 0, whose size is the one that is shown. Back to the one that the others have.
  const now = await readRings(system, nic)
  if (typeof now === 'object' && now[key as Direction] === size) await set(old)
  throw refusalOf(step, result)
}

/** A refusal by the kernel must not keep the rest of the NIC from being set. */
function refusalOf({ nic, label, new: size }: Step, result: ToolResult): Error {
  const { code, text } = classifyRefusal(result)
  switch (code) {
    case 'permission':
      return new VqtuneError('permission', `${nic}: setting ring sizes needs CAP_NET_ADMIN (${text})`)
    case 'vanished':
      return new VqtuneError('vanished', `${nic}: the NIC went away while its rings were set`)
    case 'unsupported':
      return new StepRefused(code, 'the driver cannot change ring sizes', text)
    default:
      return new StepRefused(
        'refused',
        `the kernel refused ${size} for the ${label}; dmesg may say why`,
        text,
      )
  }
}
