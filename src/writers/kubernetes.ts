/**
 * Kubernetes node tuning: the static CPU manager of kubelet, with which CRI-O takes a pod's CPUs out of the affinity of
 * interrupts. The TuneD profiles of OpenShift's Node Tuning Operator are found as tuned's.
 */
import { findPrograms } from '../kernel/processes'
import type { System } from '../system/system'
import { escapeToOneLine } from '../text/escape'
import { certainIf, type KnownWriter, readableText, type Writer, type WriterTarget } from './writer'

const KEYS = /^\s*"?(cpuManagerPolicy|reservedSystemCPUs)"?\s*:\s*"?([^"#,\s][^"#]*?)"?,?\s*(?:#.*)?$/

function find(system: System, nic: WriterTarget): readonly Writer[] {
  if (nic.queues.length === 0) return []
  const isRunning = findPrograms(system, [{ name: 'kubelet' }]).length > 0
  return system.paths.writers.kubeletFiles.flatMap((path) => {
    const text = readableText(system, path) ?? ''
    const found = text.split(/\r?\n/).flatMap((line, index) => {
      const [, key = '', value = ''] = KEYS.exec(line) ?? []
      return key === '' ? [] : [{ key, value, line: index + 1 }]
    })
    const policy = found.find(({ key, value }) => key === 'cpuManagerPolicy' && value === 'static')
    const reserved = found.find(({ key }) => key === 'reservedSystemCPUs')
    const first = policy ?? reserved
    if (first === undefined) return []
    const settings = found.map(({ key, value }) => `${key}: ${value}`).join(', ')
    const writer: Writer = {
      writer: kubernetes.name,
      where: `${path.slice(system.paths.root.length)}:${first.line}`,
      what: escapeToOneLine(
        `kubelet has ${settings}: the container runtime may move interrupts off the CPUs of pods`,
      ),
      tunable: 'irq-affinity',
      matches: 'maybe',
      remedy:
        'leave the annotation irq-load-balancing.crio.io out of pods, or set affinity = false for this NIC',
    }
    return [certainIf(isRunning, writer)]
  })
}

export const kubernetes: KnownWriter = {
  name: 'kubernetes',
  title: 'Kubernetes node tuning (CPU manager, Node Tuning Operator)',
  find,
}
