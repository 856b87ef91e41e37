/**
 * The whole way on each of RHEL's kernels, in one guest for each: apply and rollback, the daemon, commit-confirm, the boot
 * unit. With Debian's kernels these have files of their own, which `npm run vm:long` runs on RHEL's as well.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Guest } from './lib/guest'
import { addresses } from './lib/host-network'
import { RHEL, rhelKernels } from './lib/kernels'
import { queuesOf } from './lib/queues'
import { Nic, shipBoot, Vqtuned } from './lib/vqtuned'
import { PATIENCE_MS, scaled, waitUntil } from './lib/wait'

/** No periodic check for a year: what is repaired, is repaired because of an event. */
const DAEMON = '[daemon]\ncheck-cron = "0 0 1 1 *"\nconflict-reversals = 1000\n'
const confirm = () => `[guard]\ncommit-confirm-seconds = ${Math.min(600, Math.ceil(scaled(120)))}\n`
const cap = (channels: number) => `[defaults]\ncap = ${channels}\n`
const GATEWAY = addresses(0).host
/** Of the driver: consecutive groups of vCPUs. */
const ownCpuEach = (count: number) =>
  Array.from({ length: count }, (_, cpu) => ({ rx: `${cpu}`, tx: `${cpu}`, xps: (1 << cpu).toString(16) }))

for (const kernel of RHEL) {
  describe.skipIf(!rhelKernels.includes(kernel))(`kernel ${kernel}`, () => {
    let guest: Guest
    let nic: Nic
    let daemon: Vqtuned
    beforeAll(async () => {
      guest = await Guest.boot({
        kernel,
        cpus: 4,
        // The second has the vectors that its queues need, none for the control queue.
        nics: [{ queues: 4 }, { queues: 4, vectors: 2 * 4 + 1 }],
        vqtune: 'dist/vqtune.cjs',
      })
      nic = new Nic(guest, await guest.nicName(0))
    })
    afterAll(() => guest?.dispose())
    const vqtune = (...args: string[]) => guest.exec(['vqtune', ...args], { timeoutMs: PATIENCE_MS })
    const gatewayAnswers = () => waitUntil('the gateway to answer', PATIENCE_MS, () => guest.pings(GATEWAY))

    test('apply: nothing to do as booted; repairs channels, interrupts and XPS; rollback puts them back', async () => {
      for (const index of [0, 1])
        expect(await queuesOf(guest, await guest.nicName(index))).toEqual(ownCpuEach(4))
      const booted = await vqtune('apply')
      expect(booted).toMatchObject({ code: 0, stderr: '' })
      expect(booted.stdout).toContain('nothing to do: 2 NICs up to date')

      await nic.setChannels(2)
      const rxOf = await nic.affinityFile(1)
      await guest.writeFile(rxOf, '0')
      await guest.writeFile(`/sys/class/net/${nic.name}/queues/tx-1/xps_cpus`, 'f')
      const before = await queuesOf(guest, nic.name)
      expect(before).toEqual([
        { rx: '0-1', tx: '0-1', xps: '3' },
        { rx: '0', tx: '2-3', xps: 'f' },
      ])
      const applied = await vqtune('apply')
      expect(applied).toMatchObject({ code: 0, stderr: '' })
      expect(applied.stdout).toContain(`${nic.name}: channels 2 -> 4`)
      expect(await queuesOf(guest, nic.name)).toEqual(ownCpuEach(4))
      expect(await vqtune('rollback')).toMatchObject({ code: 0, stderr: '' })
      expect(await queuesOf(guest, nic.name)).toEqual(before)
      expect(await vqtune('apply')).toMatchObject({ code: 0 })
      expect(await queuesOf(guest, nic.name)).toEqual(ownCpuEach(4))
    })

    test('a managed interrupt is refused with the errno that vqtune knows for it', async () => {
      const { code, stderr } = await guest.exec([
        'sh',
        '-c',
        `irq=$(awk '$NF ~ /^virtio[0-9]+-req\\.0$/ {sub(":", "", $1); print $1; exit}' /proc/interrupts)
        printf 1 | LC_ALL=C dd status=none of=/proc/irq/$irq/smp_affinity_list`,
      ])
      expect(code).toBe(1)
      expect(stderr).toMatch(
        kernel === 'rhel10.0' ? /: Operation not permitted$/m : /: Input\/output error$/m,
      )
    })

    test('the daemon repairs channels, an interrupt and XPS at once, and follows vCPUs', async () => {
      daemon = await Vqtuned.start(guest, DAEMON)
      await daemon.sourcesAreUp()
      await nic.setChannels(2)
      expect(await daemon.newRecord(0, 'channels')).toMatchObject({ old: '4', new: '2', action: 'repaired' })
      expect(await nic.channels()).toBe(4)

      const known = (await daemon.history()).length
      await guest.writeFile(await nic.affinityFile(1), '3')
      expect(await daemon.newRecord(known, 'irq-affinity')).toMatchObject({
        new: 'queue 1 rx CPU 3',
        action: 'repaired',
      })
      await guest.writeFile(`/sys/class/net/${nic.name}/queues/tx-3/xps_cpus`, 'f')
      expect(await daemon.newRecord(known, 'xps')).toMatchObject({ action: 'repaired' })
      expect(await queuesOf(guest, nic.name)).toEqual(ownCpuEach(4))

      await guest.setCpuOnline(3, false)
      await nic.become(3)
      await guest.setCpuOnline(3, true)
      await nic.become(4)
      await waitUntil('every queue on its vCPU', PATIENCE_MS, async () => {
        const queues = await queuesOf(guest, nic.name)
        return JSON.stringify(queues) === JSON.stringify(ownCpuEach(4))
      })
    })

    test('commit-confirm takes back channels that cut off the gateway, and the guest is reached again', async () => {
      await daemon.configure(DAEMON + cap(1))
      await nic.become(1)
      await guest.configureNic(0)
      await guest.run(['ip', 'route', 'replace', 'default', 'via', GATEWAY])
      await gatewayAnswers()
      await daemon.configure(DAEMON + confirm())
      await nic.become(4)
      const onHost = (...argv: string[]) => guest.network.exec(argv, PATIENCE_MS)
      expect(await onHost('ip', 'address', 'flush', 'dev', 'tap0')).toMatchObject({ code: 0 })
      try {
        await daemon.logs(
          'the reversal',
          new RegExp(
            `the default gateway ${GATEWAY} no longer answers after the change: reverted to 1 channel`,
          ),
        )
      } finally {
        await onHost('ip', 'address', 'replace', `${GATEWAY}/24`, 'dev', 'tap0')
      }
      expect(await nic.channels()).toBe(1)
      await gatewayAnswers()
    })

    test('the boot unit sets channels before the network comes up', async () => {
      await shipBoot(guest)
      await guest.writeFile('/etc/vqtune/conf.d/50-test.toml', `${cap(3)}[boot]\nlimit-ms = 25000\n`)
      await guest.run(['systemctl', 'enable', 'vqtune-boot.service'])
      await guest.reboot()
      const journal = await guest.journal(['-u', 'vqtune-boot.service'])
      expect(journal).toContain(`${nic.name}: channels 4 -> 3`)
      expect(await nic.channels()).toBe(3)
      const property = async (unit: string, name: string) =>
        (await guest.run(['systemctl', 'show', '-P', name, unit])).trim()
      expect(await property('vqtune-boot.service', 'Result')).toBe('success')
      const done = Number(await property('vqtune-boot.service', 'ActiveEnterTimestampMonotonic'))
      const networkPre = Number(await property('network-pre.target', 'ActiveEnterTimestampMonotonic'))
      expect(done).toBeGreaterThan(0)
      expect(networkPre).toBeGreaterThanOrEqual(done)
    })
  })
}
