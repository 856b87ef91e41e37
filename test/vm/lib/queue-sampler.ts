/** Looks once a second, inside a guest and without vqtune, at which vCPUs the kernel may deliver each queue's interrupts to. */
import type { Guest } from './guest'

const SCRIPT = '/root/queue-sampler.cjs'
const SAMPLES = '/run/queue-samples'

/**
 * A line per second: uptime, vCPUs, and of each virtio NIC the lists of its queues. The interrupts' names are directories below
 * /proc/irq, so that the long /proc/interrupts is not read.
 */
const PROGRAM = `
const { appendFileSync, existsSync, readdirSync, readFileSync, realpathSync } = require('node:fs')
const read = (path) => readFileSync(path, 'utf8').trim()
function queuesOf(nic) {
  const virtio = realpathSync('/sys/class/net/' + nic + '/device')
  const used = readdirSync('/sys/class/net/' + nic + '/queues').filter((name) => name.startsWith('rx-')).length
  const queues = Array.from({ length: used }, () => ({}))
  for (const irq of readdirSync(virtio + '/../msi_irqs')) {
    for (const action of readdirSync('/proc/irq/' + irq)) {
      const [, direction, index] = /^virtio\\d+-(input|output)\\.(\\d+)$/.exec(action) ?? []
      if (index === undefined || index >= used) continue
      const allowed = read('/proc/irq/' + irq + '/smp_affinity_list')
      const effective = read('/proc/irq/' + irq + '/effective_affinity_list')
      queues[index][direction] = { allowed, effective }
    }
  }
  return queues
}
function sample() {
  const nics = {}
  for (const nic of readdirSync('/sys/class/net')) {
    try {
      if (existsSync('/sys/class/net/' + nic + '/device/../msi_irqs')) nics[nic] = queuesOf(nic)
    } catch (error) {
      // It is being unplugged, or its channels are being changed.
      nics[nic] = []
    }
  }
  const uptime = Number(read('/proc/uptime').split(' ')[0])
  const vcpus = read('/proc/cpuinfo').match(/^processor/gm).length
  appendFileSync('${SAMPLES}', JSON.stringify({ uptime, vcpus, nics }) + '\\n')
}
setInterval(sample, 1000)
`

interface Interrupt {
  /** Lists of the kernel: where it may be delivered, and where the next one will be. */
  readonly allowed: string
  readonly effective: string
}

interface Queue {
  readonly input?: Interrupt
  readonly output?: Interrupt
}

export interface Sample {
  /** Seconds since the boot. */
  readonly uptime: number
  /** Online. */
  readonly vcpus: number
  /** Empty: could not be read at that moment. */
  readonly nics: Readonly<Record<string, readonly Queue[]>>
}

/** Starts anew, and runs until the guest ends. */
export async function startSampling(guest: Guest): Promise<void> {
  await guest.writeFile(SCRIPT, PROGRAM)
  await guest.spawn(['/opt/node/node', SCRIPT])
}

export async function samplesOf(guest: Guest): Promise<readonly Sample[]> {
  const text = await guest.readFile(SAMPLES)
  return text.split('\n').map((line) => JSON.parse(line) as Sample)
}

/** Whether each queue has a vCPU to itself, with both of its interrupts. */
export function isPrivate(queues: readonly Queue[], list: keyof Interrupt = 'allowed'): boolean {
  const cpus = queues.map(({ input, output }) =>
    input?.[list] === output?.[list] ? input?.[list] : undefined,
  )
  return (
    queues.length > 0 &&
    cpus.every((cpu) => cpu !== undefined && /^\d+$/.test(cpu)) &&
    new Set(cpus).size === cpus.length
  )
}
