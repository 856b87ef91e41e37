/** Words for values. Pure. */
import type { Nic, Status } from './answers/answer'

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** As the command says it, in one or two words. */
const LIMITS: Record<Nic['channels']['limitedBy'], string> = {
  vcpus: 'vCPUs',
  host: 'host maximum',
  policy: 'configuration',
  isolated: 'isolated vCPUs',
  driver: 'driver maximum',
  guard: 'guard',
  xdp: 'XDP',
  'af-xdp': 'AF_XDP',
  'rss-table': 'RSS table',
  'flow-rules': 'flow rules',
  'memory-provider': 'memory provider',
  suspended: 'device suspended',
  refused: 'refused by the kernel',
  unsupported: 'not supported by the driver',
  'unknown-maximum': 'maximum unknown',
}

/** A later vqtune may know more factors. */
export function limitText(limitedBy: Nic['channels']['limitedBy']): string {
  return LIMITS[limitedBy] ?? limitedBy
}

export function summaryText({ nics, vcpus }: Status): string {
  const drifted = nics.filter(({ state }) => state === 'drift').length
  const drift = drifted === 0 ? 'no drift' : `drift on ${drifted}`
  const isolated = vcpus.isolated === '' ? '' : `, of which ${vcpus.isolated} are isolated`
  return `${plural(nics.length, 'NIC')}, ${drift}. Online vCPUs: ${vcpus.online}${isolated}.`
}

/** In the zone of the browser, as Cockpit's other pages show times. */
export function timeText(iso: string): string {
  const date = new Date(iso)
  return Number.isNaN(date.getTime())
    ? iso
    : date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
}

const UNITS = ['', 'k', 'M', 'G', 'T'] as const

/** 1234567 with 'b/s' is '1.23 Mb/s'. */
export function rateText(perSecond: number, unit: string): string {
  const power = Math.min(UNITS.length - 1, perSecond < 1000 ? 0 : Math.floor(Math.log10(perSecond) / 3))
  const value = perSecond / 1000 ** power
  return `${power === 0 ? Math.round(value) : value.toPrecision(3)} ${UNITS[power]}${unit}`
}

export function percentText(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** `2 channels, rps spread`: what a trial compares. */
export function combination({
  channels,
  settings,
}: {
  readonly channels: number
  readonly settings: readonly { readonly key: string; readonly value: string }[]
}): string {
  return [plural(channels, 'channel'), ...settings.map(({ key, value }) => `${key} ${value}`)].join(', ')
}
