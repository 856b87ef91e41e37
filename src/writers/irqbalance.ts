/**
 * irqbalance moves interrupts by load and is not aware of queue-to-vCPU pairing. What it was told, by vqtune over its socket
 * or by an administrator at its start, is believed: it may move the interrupts all the same, so it stays a suspect.
 */
import { findInstance } from '../irqbalance/instance'
import { type IrqbalanceOptions, readOptions } from '../irqbalance/options'
import { confirmedOf, readStanding } from '../irqbalance/record'
import { irqsOf } from '../irqbalance/wanted'
import { findPrograms } from '../kernel/processes'
import type { System } from '../system/system'
import { plural } from '../text/plural'
import type { Writer, WriterTarget } from './writer'

/** The name of the driver that owns the interrupts of a virtio device on PCI: what --banmod compares with. */
const PCI_DRIVER = 'virtio-pci'
const DISABLE = 'systemctl disable --now irqbalance'
/** Installed by the package. */
const POLICY_SCRIPT = '/usr/libexec/vqtune/irqbalance-policy'

/** A running irqbalance; none for a single queue, which has its CPU to itself wherever it is. */
export function findIrqbalance(system: System, nic: WriterTarget): readonly Writer[] {
  const irqs = queueIrqs(nic)
  if (nic.queues.length === 1 && irqs.length > 0) return []
  return findPrograms(system, [{ name: 'irqbalance' }]).map(({ pid }): Writer => {
    const options = readOptions(system, pid)
    const asked = new Set(askedOf(system, pid))
    const told = whatItWasTold(nic, irqs, options, asked)
    return {
      writer: 'irqbalance',
      where: `pid ${pid}`,
      tunable: 'irq-affinity',
      ...(told === undefined
        ? {
            what: 'runs and moves the interrupts of the queues between CPUs',
            matches: 'yes',
            remedy: remedyFor(system, nic),
          }
        : { what: told.what, matches: 'maybe', remedy: told.remedy }),
    }
  })
}

interface Told {
  readonly what: string
  readonly remedy: string
}

function whatItWasTold(
  nic: WriterTarget,
  irqs: readonly number[],
  options: IrqbalanceOptions,
  asked: ReadonlySet<number>,
): Told | undefined {
  const { bannedIrqs, bannedModules, policyScript, bannedCpus } = options
  const isTold = irqs.length > 0 && irqs.every((irq) => asked.has(irq) || bannedIrqs.has(irq))
  if (isTold && irqs.some((irq) => asked.has(irq))) {
    return {
      what: `was asked to leave the ${plural(irqs.length, 'interrupt')} of the queues alone, and may move them all the same`,
      remedy: `nothing, unless it moves them: ${DISABLE}`,
    }
  }
  if (isTold) {
    return {
      what: 'was started with --banirq= for the interrupts of the queues, and may move them all the same',
      remedy: `nothing until their numbers change, as they do when a NIC is plugged or the guest boots: vqtune apply asks it for the current ones`,
    }
  }
  const module = bannedModules.find((name) => nic.bus === 'pci' && PCI_DRIVER.includes(name))
  if (module !== undefined) {
    return {
      what: `may move the interrupts of the queues; --banmod=${module}, with which it was started, should keep it from that`,
      remedy: `nothing, unless it moves them: ${DISABLE}`,
    }
  }
  if (policyScript !== undefined) {
    return {
      what: `may move the interrupts of the queues, unless its policy script ${policyScript} keeps it from that`,
      remedy: `see that ${policyScript} ${deviceOf(nic)} ${irqs[0] ?? 0} prints ban=true; ${POLICY_SCRIPT} does`,
    }
  }
  if (bannedCpus !== undefined) {
    return {
      what: `may move the interrupts of the queues to CPUs that are not banned for it (banned: ${bannedCpus})`,
      remedy: `vqtune apply asks it to leave them alone, unless irqbalance = "leave"; or ${DISABLE}`,
    }
  }
  return undefined
}

/** The device path that irqbalance passes to a policy script. */
function deviceOf({ bus, busAddress }: WriterTarget): string {
  return bus === 'pci' ? `/sys/bus/pci/devices/${busAddress}` : '/sys'
}

function remedyFor(system: System, nic: WriterTarget): string {
  const instance = findInstance(system)
  if (instance !== undefined && 'socket' in instance && nic.queues.length > 1) {
    return `vqtune apply, or the daemon, asks it to leave them alone, unless irqbalance = "leave" in vqtune.toml; or ${DISABLE}`
  }
  if (nic.bus !== 'pci' || nic.queues.length === 0) return DISABLE
  const file = system.paths.writers.irqbalanceFiles.find((path) => system.exists(path))
  const { root } = system.paths
  const where = file === undefined ? '' : ` (IRQBALANCE_ARGS in ${file.slice(root.length)})`
  return `start it with --policyscript=${POLICY_SCRIPT}${where}, or with --banmod=${PCI_DRIVER}, which also means virtio disks; or ${DISABLE}`
}

function askedOf(system: System, pid: number): readonly number[] {
  const request = readStanding(system)
  return request?.pid === pid ? irqsOf(confirmedOf(request)) : []
}

function queueIrqs(nic: WriterTarget): readonly number[] {
  return nic.queues
    .flatMap((queue) => [queue.rxIrq?.irq, queue.txIrq?.irq])
    .filter((irq): irq is number => irq !== undefined)
}
