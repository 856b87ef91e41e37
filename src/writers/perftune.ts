/** seastar's perftune.py, of ScyllaDB and Redpanda: IRQ affinity, RPS, RFS and XPS of the NICs in its configuration. */
import type { System } from '../system/system'
import { vendorFindings } from './vendor'
import { type KnownWriter, readableText, type Writer, type WriterTarget } from './writer'

function find(system: System, nic: WriterTarget): readonly Writer[] {
  const { scripts, configs } = system.paths.writers.perftune
  const [config] = configs.flatMap((path) => {
    const text = readableText(system, path)
    return text === undefined ? [] : [{ path, text }]
  })
  const names = config === undefined ? [] : nicsOf(config.text)
  if (names.length > 0 && ![nic.name, ...nic.altnames].some((name) => names.includes(name))) return []
  const where = config?.path.slice(system.paths.root.length)
  return vendorFindings(system, {
    writer: perftune,
    files: scripts,
    what: `seastar's perftune.py sets interrupts, RPS, RFS and XPS${where === undefined ? '' : `, configured in ${where}`}`,
    writes: [{ tunable: 'irq-affinity' }, { tunable: 'rps' }, { tunable: 'rfs' }, { tunable: 'xps' }],
    units: ['scylla-server.service', 'redpanda-tuner.service'],
    processes: [{ name: 'perftune.py', script: true }],
    remedy: 'set SET_NIC_AND_DISKS=no in /etc/sysconfig/scylla-server, or leave the NIC out of perftune.yaml',
  })
}

/** `nic: eth0`, `nic: [eth0, eth1]` and a list below `nic:`. Pure. */
export function nicsOf(yaml: string): readonly string[] {
  const names: string[] = []
  let isList = false
  for (const line of yaml.split(/\r?\n/)) {
    const value = /^nic:\s*(.*?)\s*(?:#.*)?$/.exec(line)?.[1]
    if (value !== undefined) {
      isList = value === ''
      names.push(
        ...value
          .replace(/[[\]"']/g, ' ')
          .split(/[\s,]+/)
          .filter(Boolean),
      )
    } else if (isList && !/^\s*(?:#|$)/.test(line)) {
      const item = /^\s*-\s*["']?([\w.@-]+)/.exec(line)?.[1]
      if (item === undefined) isList = false
      else names.push(item)
    }
  }
  return names
}

export const perftune: KnownWriter = { name: 'perftune', title: "seastar's `perftune.py`", find }
