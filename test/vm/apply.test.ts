import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Guest } from './lib/guest'
import { isThorough, kernelsOf } from './lib/kernels'
import { type QueueTruth, queuesOf } from './lib/queues'
import { xdpPassObject } from './lib/xdp-object'

/** What the guest itself says about a NIC, read without vqtune. */
interface Truth {
  channels: number
  maximum: number
  queues: QueueTruth[]
}

async function truthOf(guest: Guest, nic: string): Promise<Truth> {
  const text = await guest.shell(`ethtool -l ${nic} | awk '/^Combined/ {print $2}'`)
  const [maximum = '', channels = ''] = text.trim().split('\n')
  return { maximum: Number(maximum), channels: Number(channels), queues: await queuesOf(guest, nic) }
}

const ownCpuEach = (count: number): Truth['queues'] =>
  Array.from({ length: count }, (_, cpu) => ({ rx: `${cpu}`, tx: `${cpu}`, xps: (1 << cpu).toString(16) }))

describe.each(kernelsOf('6.12', '6.1'))('vqtune in a guest with kernel %s', (kernel) => {
  let guest: Guest
  let nic: string
  beforeAll(async () => {
    guest = await Guest.boot({
      kernel,
      cpus: 4,
      nics: [{ queues: 4 }, { queues: 4, vectors: 3 }, { queues: 1 }, { queues: 8 }],
      vqtune: 'dist/vqtune.cjs',
    })
    nic = await guest.nicName(0)
  })
  afterAll(async () => {
    await guest?.dispose()
  })
  const vqtune = (...args: string[]) => guest.exec(['vqtune', ...args], { timeoutMs: 120_000 })
  /** What is not the kernel's doing: one kernel is enough for each change. */
  const testOnce = test.runIf(isThorough(kernel, '6.12'))

  test('a guest as the kernel booted it needs nothing', async () => {
    const result = await vqtune('apply')
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(result.stdout).toContain('nothing to do: 4 NICs up to date')
    expect((await guest.exec(['test', '-e', '/run/vqtune'])).code).toBe(1)
  })

  test('channels shrunk by hand: planned, applied, verified in the kernel', async () => {
    await guest.run(['ethtool', '-L', nic, 'combined', '2'])
    const plan = await vqtune('plan', '--check')
    expect(plan.code).toBe(3)
    expect(plan.stdout).toContain(`${nic}: channels 2 -> 4`)
    expect((await truthOf(guest, nic)).channels).toBe(2)

    const applied = await vqtune('apply')
    expect(applied).toMatchObject({ code: 0, stderr: '' })
    expect(applied.stdout).toContain('converged: 4 NICs, 1 change')
    expect(await truthOf(guest, nic)).toEqual({ maximum: 4, channels: 4, queues: ownCpuEach(4) })
    expect((await vqtune('status', '--check')).code).toBe(0)
  })

  test('a vCPU goes offline and comes back: channels follow', async () => {
    await guest.setCpuOnline(3, false)
    expect((await vqtune('apply')).code).toBe(0)
    expect(await truthOf(guest, nic)).toEqual({ maximum: 4, channels: 3, queues: ownCpuEach(3) })
    await guest.setCpuOnline(3, true)
    expect((await vqtune('apply')).code).toBe(0)
    expect(await truthOf(guest, nic)).toEqual({ maximum: 4, channels: 4, queues: ownCpuEach(4) })
  })

  test('affinity and XPS moved by hand: status names IRQ and CPU, apply repairs, rollback brings them back', async () => {
    await guest.shell(`
      virtio=$(basename "$(readlink -f /sys/class/net/${nic}/device)")
      for q in 0 1; do
        irq=$(awk -v n="$virtio-input.$q" '$NF == n {sub(":", "", $1); print $1}' /proc/interrupts)
        echo 2 > /proc/irq/$irq/smp_affinity_list
      done
      echo f > /sys/class/net/${nic}/queues/tx-1/xps_cpus`)
    const moved = await truthOf(guest, nic)
    const status = await vqtune('status', nic, '--check')
    expect(status.code).toBe(3)
    expect(status.stdout).toMatch(/no: IRQ \d+ on CPU 2 shared with queue 1, 2/)
    expect((await vqtune('apply')).code).toBe(0)
    expect((await truthOf(guest, nic)).queues).toEqual(ownCpuEach(4))

    // The first change since boot was 2 -> 4 above: that is what a rollback goes back to.
    const dry = await vqtune('rollback', '--dry-run')
    expect(dry.stdout).toContain(`${nic}: channels 4 -> 2`)
    expect((await truthOf(guest, nic)).channels).toBe(4)
    const back = await vqtune('rollback')
    expect(back).toMatchObject({ code: 0, stderr: '' })
    expect((await truthOf(guest, nic)).channels).toBe(2)
    expect((await vqtune('apply', '--unattended')).stdout).toContain('rolled back')
    expect((await truthOf(guest, nic)).channels).toBe(2)
    expect((await vqtune('apply')).code).toBe(0)
    expect((await truthOf(guest, nic)).queues).toEqual(ownCpuEach(4))
    expect(moved.queues.map((queue) => queue.rx)).toEqual(['2', '2', '2', '3'])
  })

  test('too few vectors: channels are set, the shared interrupt is said and left alone', async () => {
    const shared = await guest.nicName(1)
    await guest.run(['ethtool', '-L', shared, 'combined', '1'])
    const result = await vqtune('apply', shared)
    expect(result.code).toBe(0)
    expect(result.stdout).toContain('all queues share one MSI-X vector')
    expect(await truthOf(guest, shared)).toMatchObject({ maximum: 4, channels: 4 })
  })

  test('a NIC with a maximum of 1 is converged, and the host is named as the limit', async () => {
    const single = await guest.nicName(2)
    const status = JSON.parse((await vqtune('status', single, '--json')).stdout)
    expect(status.nics[0].channels).toMatchObject({ current: 1, target: 1, maximum: 1, limitedBy: 'host' })
  })

  test('XDP attached: skipped with the reason, exit status 0; tuned when it is gone', async () => {
    const wide = await guest.nicName(3)
    await guest.writeFile('/tmp/xdp.o', xdpPassObject())
    await guest.run(['ethtool', '-L', wide, 'combined', '2'])
    await guest.run(['ip', 'link', 'set', 'dev', wide, 'xdp', 'obj', '/tmp/xdp.o', 'sec', 'xdp'])
    const skipped = await vqtune('apply', wide)
    expect(skipped).toMatchObject({ code: 0, stderr: '' })
    expect(skipped.stdout).toContain('XDP program is attached')
    const status = JSON.parse((await vqtune('status', wide, '--json')).stdout)
    expect(status.nics[0].channels).toMatchObject({ current: 2, ideal: 4, limitedBy: 'xdp' })
    await guest.run(['ip', 'link', 'set', 'dev', wide, 'xdp', 'off'])
    expect((await vqtune('apply', wide)).code).toBe(0)
    expect(await truthOf(guest, wide)).toMatchObject({ maximum: 8, channels: 4, queues: ownCpuEach(4) })
  })

  testOnce('everything that only reads works without root; a write asks for it in one line', async () => {
    const asNobody = (...args: string[]) =>
      guest.exec(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'vqtune', ...args], {
        timeoutMs: 60_000,
      })
    expect((await asNobody('status')).code).toBe(0)
    expect((await asNobody('apply')).stdout).toContain('nothing to do')
    await guest.run(['ethtool', '-L', nic, 'combined', '1'])
    expect((await asNobody('plan', '--check')).code).toBe(3)
    const refused = await asNobody('apply')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/^vqtune: .*run it as root\n$/) })
    expect((await truthOf(guest, nic)).channels).toBe(1)
  })

  testOnce('three at once: one works, the others find nothing to do', async () => {
    const results = await Promise.all([vqtune('apply'), vqtune('apply'), vqtune('apply')])
    expect(results.map((result) => result.code)).toEqual([0, 0, 0])
    const changes = results.filter((result) => result.stdout.includes('channels 1 -> 4'))
    expect(changes).toHaveLength(1)
    expect((await truthOf(guest, nic)).queues).toEqual(ownCpuEach(4))
  })

  testOnce('renamed while up, then named by its altname', async () => {
    await guest.shell(
      `ip link set ${nic} down; ip link set ${nic} name uplink0; ip link property add dev uplink0 altname storage-a`,
    )
    await guest.run(['ethtool', '-L', 'uplink0', 'combined', '2'])
    const result = await vqtune('apply', 'storage-a')
    expect(result.stdout).toContain('uplink0: channels 2 -> 4')
    expect((await vqtune('apply', 'nope')).stderr).toMatch(
      /^vqtune: nope: no such virtio-net NIC; there are .*uplink0/,
    )
    nic = 'uplink0' // its old name is an altname now
    expect((await truthOf(guest, nic)).queues).toEqual(ownCpuEach(4))
  })

  testOnce(
    'kill -9 at any moment: the ledger is whole, apply finishes the work, rollback knows the originals',
    async () => {
      const script = `
      begun() { true; }
      locked() { ! flock -n /run/vqtune/lock true; }
      changed() { [ -d /sys/class/net/${nic}/queues/tx-3 ]; }
      cut=0
      for moment in begun locked changed; do
        ethtool -L ${nic} combined 1
        vqtune apply >/dev/null 2>&1 & pid=$!
        # What has ended has no program any more.
        until $moment || [ ! -e /proc/$pid/exe ]; do :; done
        kill -9 $pid 2>/dev/null || true
        code=0
        wait $pid || code=$?
        if [ $code = 137 ]; then cut=$((cut + 1)); fi
        vqtune rollback --dry-run >/dev/null || { echo damaged; exit 1; }
      done
      echo cut $cut`
      // What the NIC was like when it was first seen, in the tests before.
      await vqtune('rollback')
      const original = (await truthOf(guest, nic)).channels
      expect(original).not.toBe(1)
      const { code, stdout } = await guest.exec(['sh', '-euc', script], { timeoutMs: 240_000 })
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^cut [1-3]/) })
      expect((await vqtune('apply')).code).toBe(0)
      expect((await truthOf(guest, nic)).queues).toEqual(ownCpuEach(4))
      await vqtune('rollback')
      expect((await truthOf(guest, nic)).channels).toBe(original)
      expect((await vqtune('apply')).code).toBe(0)
    },
  )
})
