import { expect, test } from 'vitest'
import { findIrqbalance } from '../../../src/writers/irqbalance'
import type { WriterTarget } from '../../../src/writers/writer'
import { processFiles } from '../../support/systems'
import { foundBy, NIC } from '../../support/writers'

const writersOf = (files: Readonly<Record<string, string>>, nic = NIC) =>
  foundBy({ find: findIrqbalance }, files, nic)
const running = (...args: string[]) =>
  processFiles(812, 'irqbalance', { cmdline: ['/usr/sbin/irqbalance', ...args, ''].join('\0') })
const found = (files: Readonly<Record<string, string>>, nic = NIC) => {
  const [one] = writersOf(files, nic)
  return one && `${one.matches}: ${one.what} -> ${one.remedy}`
}

test('running, it moves interrupts; what cannot be asked gets a policy script without numbers', () => {
  expect(writersOf({ ...running('--foreground'), '/etc/sysconfig/irqbalance': '' })).toEqual([
    {
      writer: 'irqbalance',
      where: 'pid 812',
      what: 'runs and moves the interrupts of the queues between CPUs',
      tunable: 'irq-affinity',
      matches: 'yes',
      remedy:
        'start it with --policyscript=/usr/libexec/vqtune/irqbalance-policy (IRQBALANCE_ARGS in /etc/sysconfig/irqbalance), or with --banmod=virtio-pci, which also means virtio disks; or systemctl disable --now irqbalance',
    },
  ])
})

test('one with a socket is asked', () => {
  expect(found({ ...running(), '/run/irqbalance/irqbalance812.sock': '' })).toBe(
    'yes: runs and moves the interrupts of the queues between CPUs -> vqtune apply, or the daemon, asks it to leave them alone, unless irqbalance = "leave" in vqtune.toml; or systemctl disable --now irqbalance',
  )
})

test('asked to leave every interrupt of the queues alone, it may move them all the same', () => {
  const request = (irqs: readonly number[], missing: readonly number[] = []) => ({
    ...running(),
    '/proc/sys/kernel/random/boot_id': 'b\n',
    '/proc/812/stat': `812 (irqbalance) S ${'0 '.repeat(18)}77 0\n`,
    '/run/vqtune/irqbalance.json': JSON.stringify({
      ...{ version: 1, bootId: 'b', pid: 812, startTicks: '77', at: '2027-01-01T00:00:00Z' },
      ...{ nics: [{ virtio: 'virtio0', ifindex: 2, name: 'ens3', irqs }], others: [], missing },
    }),
  })
  expect(found(request([25, 26, 27, 28]))).toBe(
    'maybe: was asked to leave the 4 interrupts of the queues alone, and may move them all the same -> nothing, unless it moves them: systemctl disable --now irqbalance',
  )
  expect(found(request([25, 26]))).toMatch(/^yes: runs and moves/)
  expect(found(request([25, 26, 27, 28], [28]))).toMatch(/^yes: runs and moves/)
  const { '/proc/812/stat': stat, ...restarted } = request([25, 26, 27, 28])
  expect(stat).toContain(' 77 ')
  expect(found({ ...restarted, '/proc/812/stat': `812 (irqbalance) S ${'0 '.repeat(18)}78 0\n` })).toMatch(
    /^yes/,
  )
})

test('what an administrator told it at its start is believed, and never stated as a fact', () => {
  const all = ['--banirq=25', '--banirq=26', '--banirq', '27', '-i', '28']
  expect(found(running(...all))).toMatch(
    /^maybe: was started with --banirq= for the interrupts of the queues/,
  )
  expect(found(running('--banirq=25'))).toMatch(/^yes: runs and moves/)
  expect(found(running('--banmod=virtio'))).toMatch(
    /^maybe: may move the interrupts of the queues; --banmod=virtio, with which it was started, should/,
  )
  expect(found(running('--banmod=xhci'))).toMatch(/^yes: /)
  expect(found(running('--policyscript=/etc/sysconfig/policy.sh'))).toBe(
    'maybe: may move the interrupts of the queues, unless its policy script /etc/sysconfig/policy.sh keeps it from that -> see that /etc/sysconfig/policy.sh /sys/bus/pci/devices/0000:00:03.0 25 prints ban=true; /usr/libexec/vqtune/irqbalance-policy does',
  )
  const environ = { '/proc/812/environ': 'IRQBALANCE_BANNED_CPULIST=2-3\0' }
  expect(found({ ...running(), ...environ })).toMatch(
    /^maybe: may move the interrupts of the queues to CPUs that are not banned for it \(banned: 2-3\)/,
  )
})

test('a single queue is at home wherever its interrupt is', () => {
  const [queue] = NIC.queues
  expect(writersOf(running(), { ...NIC, queues: queue === undefined ? [] : [queue] })).toEqual([])
})

test('a NIC without interrupts of its own queues: any number will do for its script', () => {
  expect(found(running('-l/p'), { ...NIC, queues: [] })).toMatch(/ -> see that \/p \S+ 0 prints ban=true/)
})

test('a device that is not on PCI: neither script nor driver name help', () => {
  const mmio: WriterTarget = { ...NIC, bus: 'mmio', busAddress: 'LNRO0005:00' }
  expect(found(running(), mmio)).toMatch(/ -> systemctl disable --now irqbalance$/)
  expect(found(running('--banmod=virtio'), mmio)).toMatch(/^yes/)
  expect(found(running('-l/p'), mmio)).toMatch(/ -> see that \/p \/sys 25 prints ban=true/)
})

test('of a NIC without interrupts of its own the remedy names none', () => {
  const files = processFiles(1, 'irqbalance')
  expect(writersOf(files, { ...NIC, queues: [] })).toMatchObject([
    { remedy: 'systemctl disable --now irqbalance' },
  ])
})
