/** The boot record and systemd/boot-gate, which compares it: dash and bash on unpacked guests, beside what `plan` says of them. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { loadSettings } from '../../../src/config/load'
import { readVirtioInterrupts } from '../../../src/kernel/interrupts'
import { recordBoot } from '../../../src/planner/boot-record'
import { readLedger } from '../../../src/planner/ledger'
import { applyOperation } from '../../../src/planner/operations'
import { openSystem } from '../../../src/system/system'
import { guestNames, unpackGuest } from '../../support/captured-guest'

const REPLAY = fileURLToPath(new URL('../../support/replay-tool', import.meta.url))
const SOURCE = readFileSync(new URL('../../../systemd/boot-gate', import.meta.url), 'utf8')
const SHELLS = ['dash', 'bash'] as const
const directory = mkdtempSync(join(tmpdir(), 'vqtune-gate-'))
const GATE = join(directory, 'boot-gate')
const BUILD = '0.1.0-1 0123456789abcdef'
writeFileSync(GATE, SOURCE.replace('@BUILD@', BUILD))
afterAll(() => rmSync(directory, { recursive: true, force: true }), 120_000)

/** A guest as its kernel and udev show it, which the archives leave out in part; and a vqtune that says that it was started. */
function unpacked(name: string) {
  const root = mkdtempSync(join(directory, `${name}-`))
  unpackGuest(name, root)
  mkdirSync(`${root}/usr/bin`, { recursive: true })
  mkdirSync(`${root}/usr/sbin`, { recursive: true })
  for (const tool of ['ethtool', 'ip']) symlinkSync(REPLAY, `${root}/usr/sbin/${tool}`)
  writeFileSync(`${root}/usr/bin/vqtune`, '#!/bin/sh\necho "started: $*"\n')
  chmodSync(`${root}/usr/bin/vqtune`, 0o755)
  mkdirSync(`${root}/usr/libexec/vqtune`, { recursive: true })
  symlinkSync(GATE, `${root}/usr/libexec/vqtune/boot-gate`)
  const system = openSystem(root)
  for (const [action, irq] of readVirtioInterrupts(system)) {
    if (existsSync(`${root}/proc/irq/${irq}`))
      mkdirSync(`${root}/proc/irq/${irq}/${action}`, { recursive: true })
  }
  const undoes: (() => void)[] = []
  let hidden = 0
  const put = (path: string, text: string): void => {
    const file = `${root}/${path}`
    const made = mkdirSync(dirname(file), { recursive: true })
    const old = existsSync(file) ? readFileSync(file, 'utf8') : undefined
    undoes.push(() => {
      if (old !== undefined) writeFileSync(file, old)
      else rmSync(made ?? file, { recursive: true })
    })
    writeFileSync(file, text)
  }
  const link = (target: string, path: string): void => {
    put(path, '')
    rmSync(`${root}/${path}`)
    symlinkSync(target, `${root}/${path}`)
  }
  const move = (path: string, to: string): void => {
    renameSync(`${root}/${path}`, `${root}/${to}`)
    undoes.push(() => renameSync(`${root}/${to}`, `${root}/${path}`))
  }
  for (const nic of system.list(system.paths.sysClassNet)) {
    const index = system.readText(`${system.paths.sysClassNet}/${nic}/ifindex`)?.trim()
    put(`run/udev/data/n${index}`, '')
  }
  undoes.length = 0
  const operationFor = (settings: Parameters<typeof applyOperation>[1]) =>
    applyOperation(system, settings, { respectHolds: true })
  return {
    ...{ root, put, link, move, record: `${root}/var/lib/vqtune/boot-record` },
    /** Takes something away. */
    hide: (path: string): void => move(path, `hidden.${hidden++}`),
    /** As it was before put, move and hide. */
    restore: (): void => {
      for (const undo of undoes.splice(0).reverse()) undo()
    },
    remember: () => recordBoot(system, operationFor),
    /** Whether vqtune would leave everything as it is. */
    isRight: async (): Promise<boolean> => {
      try {
        const operation = operationFor(await loadSettings(system))
        const guest = await operation.observe(new Map())
        const { steps, skips } = operation.plan(guest, readLedger(system, guest.bootId))
        return steps.length + skips.length === 0
      } catch {
        return false
      }
    },
    /** What systemd starts; the same in both shells. */
    boot: (): string => {
      const [one, other] = SHELLS.map((shell) => {
        // Without programs: what it runs, it is denied.
        const run = spawnSync(`/usr/bin/${shell}`, [GATE, root], {
          env: { PATH: '/nowhere' },
          input: '',
          encoding: 'utf8',
        })
        return `${run.stdout}${run.stderr}${run.status === 0 ? '' : `exit ${run.status}`}`
      }) as [string, string]
      expect(other, 'bash as dash').toBe(one)
      return one.trim()
    },
  }
}

const STARTED = 'started: apply --boot'
const RIGHT = /^nothing to do: \d+ NICs? up to date, as recorded in an earlier boot$/

/** Two NICs of 4 and 2 queues, for all tests; as captured after each. */
const guest = unpacked('two-nics')
afterEach(() => {
  guest.restore()
  rmSync(guest.record, { force: true })
})

describe('the gate', () => {
  it('lets vqtune be where nothing differs from the record', async () => {
    expect(guest.boot()).toBe(STARTED)
    await guest.remember()
    expect(await guest.isRight()).toBe(true)
    expect(guest.boot()).toBe('nothing to do: 2 NICs up to date, as recorded in an earlier boot')
    const text = readFileSync(guest.record, 'utf8')
    expect(text).toMatch(new RegExp(`^vqtune ${BUILD} boot record 1\nwait 5000\n`))
    expect(text).toContain('\nvirtio4-output.1 2-3\n')
  })

  it('never says that all is right where a plan would not, in any captured guest', async () => {
    let right = 0
    for (const name of guestNames()) {
      const guest = unpacked(name)
      await guest.remember()
      const said = guest.boot()
      if (RIGHT.test(said)) right++
      else expect(said, name).toBe(STARTED)
      // The other way round it may: where only programs know, vqtune is started.
      if (!(await guest.isRight())) expect(said, name).toBe(STARTED)
      rmSync(guest.root, { recursive: true })
    }
    expect(right).toBeGreaterThan(8)
  }, 300_000)

  type Guest = ReturnType<typeof unpacked>
  const irqOf = (guest: Guest, action: string): string =>
    readdirSync(`${guest.root}/proc/irq`).find((irq) =>
      existsSync(`${guest.root}/proc/irq/${irq}/${action}`),
    ) ?? ''
  const PCI = 'sys/devices/pci0000:00/0000:00:08.0'
  const NIC = `${PCI}/virtio3/net/enp0s8`
  const edit = (guest: Guest, how: (text: string) => string): void =>
    guest.put('var/lib/vqtune/boot-record', how(readFileSync(guest.record, 'utf8')))
  const plugIn = (guest: Guest): void => {
    guest.put('sys/devices/pci0000:00/0000:00:0a.0/vendor', '0x1af4\n')
    guest.put('sys/devices/pci0000:00/0000:00:0a.0/device', '0x1041\n')
    guest.link('../../../devices/pci0000:00/0000:00:0a.0', 'sys/bus/pci/devices/0000:00:0a.0')
  }

  it.each<readonly [string, (guest: Guest) => void]>([
    [
      'an interrupt',
      (guest) => guest.put(`proc/irq/${irqOf(guest, 'virtio3-input.1')}/smp_affinity_list`, '3\n'),
    ],
    [
      'an interrupt of the last queue',
      (guest) => guest.put(`proc/irq/${irqOf(guest, 'virtio4-output.1')}/smp_affinity_list`, '0\n'),
    ],
    ['an XPS mask', (guest) => guest.put(`${NIC}/queues/tx-2/xps_cpus`, '1\n')],
    ['threaded NAPI', (guest) => guest.put(`${NIC}/threaded`, '1\n')],
    ['an RPS mask', (guest) => guest.put(`${NIC}/queues/rx-0/rps_cpus`, 'f\n')],
    ['an RFS table', (guest) => guest.put(`${NIC}/queues/rx-3/rps_flow_cnt`, '4096\n')],
    ['a queue less', (guest) => guest.hide(`${NIC}/queues/tx-3`)],
    ['a receive queue more, as XDP makes it', (guest) => guest.put(`${NIC}/queues/rx-4/rps_cpus`, '0\n')],
    ['a vector more', (guest) => guest.put(`${PCI}/msi_irqs/99`, 'msix\n')],
    [
      'an interrupt with another name',
      (guest) => {
        const irq = `proc/irq/${irqOf(guest, 'virtio3-output.3')}`
        guest.move(`${irq}/virtio3-output.3`, `${irq}/virtio3-output.4`)
      },
    ],
    ['a CPU less', (guest) => guest.put('sys/devices/system/cpu/online', '0-2\n')],
    ['a CPU more', (guest) => guest.put('sys/devices/system/cpu/online', '0-4\n')],
    ['an isolated CPU', (guest) => guest.put('sys/devices/system/cpu/isolated', '3\n')],
    ['a nohz_full CPU', (guest) => guest.put('sys/devices/system/cpu/nohz_full', '3\n')],
    ['an isolated cpuset', (guest) => guest.put('sys/fs/cgroup/cpuset.cpus.isolated', '3\n')],
    ['a cpuset partition', (guest) => guest.put('sys/fs/cgroup/a/cpuset.cpus.partition', 'isolated\n')],
    [
      'the kernel command line',
      (guest) =>
        guest.put(
          'proc/cmdline',
          `${readFileSync(`${guest.root}/proc/cmdline`, 'utf8').trim()} irqaffinity=0\n`,
        ),
    ],
    [
      'a second line of it',
      (guest) =>
        guest.put('proc/cmdline', `${readFileSync(`${guest.root}/proc/cmdline`, 'utf8')}irqaffinity=0\n`),
    ],
    ['another kernel', (guest) => guest.put('proc/sys/kernel/osrelease', '6.99.0\n')],
    [
      'a NIC less',
      (guest) => {
        guest.hide(`sys/bus/virtio/devices/virtio4`)
        guest.hide(`sys/class/net/enp0s9`)
      },
    ],
    ['a NIC renamed', (guest) => guest.move(NIC, `${dirname(NIC)}/ens8`)],
    ['a NIC of another driver', (guest) => guest.hide(`sys/bus/virtio/drivers/virtio_net/virtio3`)],
    [
      'the order of the NICs',
      (guest) => {
        guest.put(`${NIC}/ifindex`, '9\n')
        guest.put('run/udev/data/n9', '')
      },
    ],
    ['features of the device', (guest) => guest.put(`${PCI}/virtio3/features`, `${'0'.repeat(64)}\n`)],
    ['a NIC that sleeps', (guest) => guest.put(`${PCI}/power/runtime_status`, 'suspended\n')],
    ['a cap', (guest) => guest.put('etc/vqtune/vqtune.toml', '[defaults]\ncap = 1\n')],
    ['a cap without a last newline', (guest) => guest.put('etc/vqtune/vqtune.toml', '[defaults]\ncap = 1')],
    [
      'a drop-in',
      (guest) =>
        guest.put('etc/vqtune/conf.d/50-site.toml', '[[nic]]\nmatch = { pci = "0000:00:08.0" }\ncap = 2\n'),
    ],
    [
      'a configuration of the vendor',
      (guest) => guest.put('usr/lib/vqtune/vqtune.toml', '[defaults]\nxps = false\n'),
    ],
    [
      'a configuration that is a pipe or directory',
      (guest) => guest.put('etc/vqtune/conf.d/1.toml/file', ''),
    ],
    ['a configuration without end', (guest) => guest.put('etc/vqtune/vqtune.toml', '#\n'.repeat(1_000))],
    ["rollback's hold", (guest) => guest.put('run/vqtune/ledger.json', '{}\n')],
    ['a container', (guest) => guest.put('run/systemd/container', 'podman\n')],
    ['no ethtool', (guest) => guest.hide(`usr/sbin/ethtool`)],
    ['no record', (guest) => guest.hide('var/lib/vqtune/boot-record')],
    ['an empty record', (guest) => edit(guest, () => '')],
    ['a record that is cut', (guest) => edit(guest, (text) => text.slice(0, -4))],
    ['a record that is cut inside a line', (guest) => edit(guest, (text) => text.slice(0, -1))],
    ['a record with more', (guest) => edit(guest, (text) => `${text}nic\n`)],
    [
      'a record of another version',
      (guest) => edit(guest, (text) => text.replace(BUILD, '0.1.0-2 0123456789abcdef')),
    ],
    ['a record without NICs', (guest) => edit(guest, (text) => text.replace(/^nic [\s\S]*?(?=^end)/m, ''))],
    [
      'a record that waits for ever',
      (guest) => edit(guest, (text) => text.replace('wait 5000', 'wait 999999')),
    ],
    [
      'a record with a number of another base',
      (guest) => edit(guest, (text) => text.replace('wait 5000', 'wait 08')),
    ],
    [
      'a record with a program',
      (guest) => edit(guest, (text) => text.replace('wait 5000', 'wait $(touch /tmp/forged)')),
    ],
  ])('%s: vqtune is started', async (_what, change) => {
    await guest.remember()
    expect(existsSync(guest.record)).toBe(true)
    change(guest)
    expect(guest.boot()).toBe(STARTED)
  })

  it.each<readonly [string, (guest: Guest) => void]>([
    ['has no driver yet', plugIn],
    ['may still be renamed', (guest) => guest.hide(`run/udev/data`)],
  ])('a NIC that %s is waited for, and then vqtune is started', async (_what, change) => {
    await guest.remember()
    edit(guest, (text) => text.replace('wait 5000', 'wait 200'))
    change(guest)
    const start = performance.now()
    // dash needs sleep(1), which it cannot find here: it hands over at once.
    const bash = spawnSync('/usr/bin/bash', [GATE, guest.root], {
      env: { PATH: '/nowhere' },
      encoding: 'utf8',
    })
    expect(bash.stdout.trim()).toBe(STARTED)
    expect(performance.now() - start).toBeGreaterThan(190)
    const dash = spawnSync('/usr/bin/dash', [GATE, guest.root], {
      env: { PATH: '/usr/bin:/bin' },
      encoding: 'utf8',
    })
    expect(dash.stdout.trim()).toBe(STARTED)
    expect(performance.now() - start).toBeGreaterThan(380)
  })

  it('a device of another driver, such as vfio-pci, is not waited for', async () => {
    await guest.remember()
    plugIn(guest)
    guest.put('sys/devices/pci0000:00/0000:00:0a.0/driver/module', '')
    expect(guest.boot()).toMatch(RIGHT)
  })

  it('does nothing of what a record or a configuration says', async () => {
    await guest.remember()
    const mark = join(directory, 'mark')
    guest.put(
      'etc/vqtune/conf.d/50-$(touch mark).toml',
      `# $(touch ${mark}) \`touch ${mark}\` \\ * %s\n#\t -n\n`,
    )
    await guest.remember()
    expect(guest.boot()).toMatch(RIGHT)
    expect(existsSync(mark)).toBe(false)
  })
})

describe('a record', () => {
  it('is written once', async () => {
    await guest.remember()
    chmodSync(guest.record, 0o600)
    await guest.remember()
    // A replaced file has the mode of new ones.
    expect(readFileSync(guest.record, 'utf8')).toContain('\nend\n')
    const { mode } = await import('node:fs').then(({ statSync }) => statSync(guest.record))
    expect(mode & 0o777).toBe(0o600)
  })

  it.each<readonly [string, string, (guest: ReturnType<typeof unpacked>) => void]>([
    ['something is to be done', 'channels-shrunk-2of4', () => {}],
    ['only programs know the RSS table', 'rss', () => {}],
    ['only programs know the maximum', 'shared-vectors', () => {}],
    [
      'the kernel does not have threaded NAPI, which is wanted',
      'two-nics',
      ({ put }) => put('etc/vqtune/vqtune.toml', '[defaults]\nthreaded-napi = "off"\n'),
    ],
    [
      'only programs know the ring sizes',
      'two-nics',
      ({ put }) => put('etc/vqtune/vqtune.toml', '[defaults]\ntx-ring = "max"\n'),
    ],
    [
      'a shell cannot read the size of the table of RFS, which is wanted',
      'debian-6.12-4cpu-4q',
      ({ put }) => put('etc/vqtune/vqtune.toml', '[defaults]\nrfs = "spread"\n'),
    ],
    [
      'the NIC is in another network namespace',
      'nic-in-other-netns',
      ({ hide }) => hide(`sys/class/net/enp0s8`),
    ],
    [
      'a rule goes by name',
      'two-nics',
      ({ put }) => put('etc/vqtune/vqtune.toml', '[[nic]]\nmatch = { name = "x*" }\ncap = 1\n'),
    ],
    [
      'a rule goes by address',
      'two-nics',
      ({ put }) => put('etc/vqtune/vqtune.toml', '[[nic]]\nmatch = { mac = "x*" }\ncap = 1\n'),
    ],
    ['the configuration is wrong', 'two-nics', ({ put }) => put('etc/vqtune/vqtune.toml', 'cap = 1\n')],
    [
      'the configuration is long',
      'two-nics',
      ({ put }) => put('etc/vqtune/vqtune.toml', '#\n'.repeat(1_000)),
    ],
    ['no gate is installed', 'two-nics', ({ hide }) => hide(`usr/libexec/vqtune/boot-gate`)],
    ['a NIC is pending', 'two-nics', ({ hide }) => hide(`run/udev/data`)],
    [
      'a NIC is disabled',
      'two-nics',
      ({ put }) => put('etc/vqtune/vqtune.toml', '[defaults]\nenabled = false\n'),
    ],
    [
      'CPUs are apart in a cpuset',
      'two-nics',
      ({ put }) => put('sys/fs/cgroup/a/cpuset.cpus.partition', 'root\n'),
    ],
  ])('is not written where %s', async (_why, name, change) => {
    const one = name === 'two-nics' ? guest : unpacked(name)
    change(one)
    await one.remember()
    expect(existsSync(one.record)).toBe(false)
  })

  it('that cannot be written is no error', async () => {
    guest.hide('var/lib')
    guest.put('var/lib', '')
    await guest.remember()
    expect(guest.boot()).toBe(STARTED)
  })

  it('has the mode of NAPI that is wanted, and is not taken for another one', async () => {
    const NICS = ['0000:00:08.0/virtio3/net/enp0s8', '0000:00:09.0/virtio4/net/enp0s9']
    for (const nic of NICS) guest.put(`sys/devices/pci0000:00/${nic}/threaded`, '1\n')
    guest.put('etc/vqtune/vqtune.toml', '[defaults]\nthreaded-napi = "on"\n')
    await guest.remember()
    expect(readFileSync(guest.record, 'utf8').match(/^threaded 1$/gm)).toHaveLength(2)
    expect(guest.boot()).toMatch(RIGHT)
    // As the kernel begins.
    guest.put(`sys/devices/pci0000:00/${NICS[1]}/threaded`, '0\n')
    expect(await guest.isRight()).toBe(false)
    expect(guest.boot()).toBe(STARTED)
  })

  it('goes by rules of addresses on the buses', async () => {
    guest.put('etc/vqtune/conf.d/50-site.toml', '[[nic]]\nmatch = { pci = "0000:00:0f.0" }\ncap = 1\n')
    await guest.remember()
    expect(guest.boot()).toMatch(RIGHT)
  })
})
