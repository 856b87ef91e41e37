/**
 * `vqtune host zerocopy` on a hypervisor with the real vhost_net: a guest that plays the hypervisor. What plays the
 * guest's driver is vhost_sender.py; dummy0 plays the uplink, because its scatter-gather can be switched.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BUNDLE } from '../support/bundle'
import { expectSchema } from '../support/schema'
import { Guest } from './lib/guest'
import type { Kernel } from './lib/kernels'
import { PATIENCE_MS, scaled, waitUntil } from './lib/wait'

const SENDER = fileURLToPath(new URL('../fixtures/host/vhost-sender/vhost_sender.py', import.meta.url))
const OWN = '/etc/modprobe.d/vqtune-vhost-net.conf'
const PARAMETER = '/sys/module/vhost_net/parameters/experimental_zcopytx'
const TRACEFS = '/sys/kernel/tracing'

let guest: Guest
const zerocopy = (...args: string[]) => guest.exec(['vqtune', 'host', 'zerocopy', ...args])
const json = async <T>(verb: 'status' | 'probe', ...args: string[]): Promise<T> => {
  const { code, stdout, stderr } = await zerocopy(verb, ...args, '--json')
  expect([code, stderr]).toEqual([0, ''])
  const value = JSON.parse(stdout) as T
  expectSchema(`host-zerocopy-${verb}`, value)
  return value
}

async function boot(kernel: Kernel): Promise<void> {
  await guest?.dispose()
  guest = await Guest.boot({ kernel, cpus: 2, nics: [{ queues: 1 }], vqtune: BUNDLE })
  await guest.writeFile('/root/vhost_sender.py', readFileSync(SENDER, 'utf8'))
  await guest.shell(`set -e
    ip link add br0 type bridge && ip link set br0 up
    ip link add dummy0 type dummy && ip link set dummy0 master br0 up
    modprobe tun && ip tuntap add tap7 mode tap vnet_hdr && ip link set tap7 master br0 up`)
}
beforeAll(() => boot('6.1'))
afterAll(async () => {
  await guest?.dispose()
})

/** Sends while the probe measures. VQTUNE_RECORD=1 keeps the histograms as fixtures. */
async function measure(length: number, seconds = 4) {
  // Until the probe has ended: how long it takes to start is up to the machine.
  const sending = guest.shell(`rm -f /tmp/probed
    while [ ! -e /tmp/probed ]; do python3 /root/vhost_sender.py tap7 send 60 ${length} >/dev/null
      cat ${TRACEFS}/events/vqtune/*/hist >/tmp/hist 2>/dev/null || true; done`)
  // Awaited below; a guest that stops answering is to fail one test, not the run.
  sending.catch(() => {})
  let result: { verdict: string; zeroCopied: number; copiedAfterAll: number; sent: number }
  try {
    result = await json('probe', '--seconds', String(Math.ceil(scaled(seconds))))
  } finally {
    await guest.run(['touch', '/tmp/probed'])
    await sending
  }
  if (process.env.VQTUNE_RECORD) {
    const file = new URL(`../fixtures/host/debian12-libvirt9/hist-${result.verdict}.txt`, import.meta.url)
    writeFileSync(file, `${await guest.readFile('/tmp/hist')}\n`)
  }
  return result
}

describe('zerocopy on a real vhost_net', () => {
  it('knows the parameter before the module is loaded, and writes the file for its next load', async () => {
    expect(await json('status')).toMatchObject({ module: 'unloaded', parameter: 'present', running: null })
    expect((await zerocopy('probe')).stderr).toContain('not loaded')
    const on = await zerocopy('on', '--accept-risk', '--apply')
    expect([on.code, on.stderr]).toEqual([0, ''])
    expect(on.stdout).toContain('is not loaded: the setting applies when it is next loaded')
    await guest.run(['modprobe', 'vhost_net'])
    expect(await guest.readFile(PARAMETER)).toBe('1')
    expect(await json('status')).toMatchObject({ module: 'loaded', running: true, users: 0, drift: false })
  })

  it('agrees with modprobe about who wins, the kernel command line included', async () => {
    await guest.writeFile('/etc/modprobe.d/zz.conf', 'options vhost-net experimental_zcopytx=0\n')
    const { configured } = await json<{ configured: { value: string; source: string } }>('status')
    const real = await guest.run(['modprobe', '--showconfig'])
    const lines = real.match(/^options vhost_net .*$/gm)
    expect(lines).toEqual([
      'options vhost_net experimental_zcopytx=1',
      'options vhost_net experimental_zcopytx=0',
    ])
    expect(configured).toEqual({ value: '0', source: '/etc/modprobe.d/zz.conf:1' })
    expect((await zerocopy('status', '--check')).code).toBe(3)

    // kmod reads /proc/cmdline itself, so another file in its place will do.
    await guest.shell(`cat /proc/cmdline >/tmp/cmdline; echo vhost_net.experimental_zcopytx=1 >>/tmp/cmdline
      mount --bind /tmp/cmdline /proc/cmdline`)
    const withCommandLine = await guest.run(['modprobe', '--showconfig'])
    expect(withCommandLine.match(/^options vhost_net .*$/gm)?.at(-1)).toBe(
      'options vhost_net experimental_zcopytx=1',
    )
    expect(await json('status')).toMatchObject({
      configured: { value: '1', source: 'the kernel command line' },
      drift: false,
    })
    await guest.shell('umount /proc/cmdline; rm /etc/modprobe.d/zz.conf')
  })

  it('loads the module again when nothing uses it', async () => {
    const off = await zerocopy('off', '--apply')
    expect([off.code, off.stderr]).toEqual([0, ''])
    expect(off.stdout).toContain('vhost_net: reloaded, experimental_zcopytx is off')
    expect(await guest.readFile(PARAMETER)).toBe('0')
    const on = await zerocopy('on', '--accept-risk', '--apply')
    expect(on.stdout).toContain('vhost_net: reloaded, experimental_zcopytx is on')
    expect(await guest.readFile(PARAMETER)).toBe('1')
  })

  it('leaves a module in use alone, and says what remains to do', async () => {
    const users = async () => Number(await guest.readFile('/sys/module/vhost_net/refcnt'))
    const holder = await guest.spawn(['python3', '/root/vhost_sender.py', 'tap7', 'hold'])
    await waitUntil('the sender', PATIENCE_MS, async () => (await users()) === 1)
    const off = await zerocopy('off', '--apply')
    expect([off.code, off.stderr]).toEqual([0, ''])
    expect(off.stdout).toContain('vhost_net is in use: 1 open descriptors')
    expect(off.stdout).toContain('rmmod vhost_net && modprobe vhost_net')
    expect(await guest.readFile(PARAMETER)).toBe('1')
    expect(await json('status')).toMatchObject({ users: 1, running: true, drift: true })
    expect((await guest.exec(['vqtune', 'host', 'undo', '--apply'])).code).toBe(0)
    expect(await guest.readFile(OWN)).toContain('experimental_zcopytx=1')
    await guest.run(['kill', String(holder)])
    await waitUntil('the sender to end', PATIENCE_MS, async () => (await users()) === 0)
  })

  it('goes back to a loaded module when the new setting does not load', async () => {
    const before = await guest.readFile(OWN)
    await guest.writeFile('/etc/modprobe.d/broken.conf', 'options vhost_net experimental_zcopytx=oops\n')
    await guest.run(['rm', OWN])
    await guest.writeFile('/etc/modprobe.d/zz.conf', 'options vhost_net experimental_zcopytx=oops\n')
    const off = await zerocopy('off', '--apply')
    expect(off.code).toBe(1)
    expect(off.stderr).toMatch(
      /Invalid argument.*was restored, but vhost_net does not load: modprobe vhost_net/,
    )
    await guest.run(['rm', '/etc/modprobe.d/broken.conf', '/etc/modprobe.d/zz.conf'])
    await guest.writeFile(OWN, `${before}\n`)
    await guest.run(['modprobe', 'vhost_net'])
    expect(await guest.readFile(PARAMETER)).toBe('1')
  })

  it('refuses to measure without tracefs', async () => {
    await guest.shell(`umount ${TRACEFS} 2>/dev/null || true; umount /sys/kernel/debug 2>/dev/null || true`)
    const { code, stderr } = await zerocopy('probe')
    expect(code).toBe(1)
    expect(stderr).toBe(`vqtune: tracefs is not mounted; run mount -t tracefs tracefs ${TRACEFS}\n`)
    await guest.run(['mount', '-t', 'tracefs', 'tracefs', TRACEFS])
    // Of someone else, which stays.
    await guest.shell(`echo 'p:mine/other do_sys_openat2' >> ${TRACEFS}/kprobe_events`)
  })
})

describe('the probe on a real vhost_net', () => {
  it('measures that zero copy works, that a poor uplink defeats it, and that small packets are not tried', async () => {
    expect(await guest.run(['ethtool', '-k', 'dummy0'])).toContain('scatter-gather: on')
    const works = await measure(1400)
    expect(works).toMatchObject({ verdict: 'works' })
    expect(works.zeroCopied).toBeGreaterThan(20)

    await guest.run(['ethtool', '-K', 'dummy0', 'sg', 'off'])
    const { conditions } = await json<{ conditions: { code: string }[] }>('status', '--uplink', 'dummy0')
    expect(conditions.map(({ code }) => code)).toContain('uplink-scatter-gather-off')
    expect(await measure(1400)).toMatchObject({ verdict: 'copied', zeroCopied: 0 })
    await guest.run(['ethtool', '-K', 'dummy0', 'sg', 'on'])

    expect(await measure(100, 3)).toMatchObject({ zeroCopied: 0, copiedAfterAll: 0 })
    expect((await guest.run(['cat', `${TRACEFS}/kprobe_events`])).match(/^p.*$/gm)).toHaveLength(1)
  })

  it('removes the probe when it is interrupted, and that of one that was killed', async () => {
    const probes = () => guest.shell(`grep -c vqtune/ ${TRACEFS}/kprobe_events || true`)
    for (const signal of ['INT', 'TERM', 'HUP']) {
      const { stdout } = await guest.exec([
        'sh',
        '-c',
        `vqtune host zerocopy probe --seconds 600 >/tmp/out 2>&1 & p=$!
         until grep -q vqtune/ ${TRACEFS}/kprobe_events || [ ! -e /proc/$p ]; do sleep 0.1; done
         grep -c vqtune/ ${TRACEFS}/kprobe_events
         kill -${signal} $p; wait $p; echo $?`,
      ])
      expect(stdout, signal).toBe('1\n1\n')
      expect((await probes()).trim(), signal).toBe('0')
    }
    await guest.shell(`vqtune host zerocopy probe --seconds 600 >/dev/null 2>&1 & p=$!
      until [ -e ${TRACEFS}/events/vqtune ] || [ ! -e /proc/$p ]; do sleep 0.1; done
      kill -9 $p; wait $p || true`)
    expect((await probes()).trim()).toBe('1')
    expect((await zerocopy('probe', '--seconds', '1')).code).toBe(0)
    expect((await probes()).trim()).toBe('0')
    expect(await guest.shell(`cat ${TRACEFS}/kprobe_events`)).toContain('mine/other')
  })
})

// The function that tells of completions has had another name since Linux 6.10.
describe('the probe on Linux 6.12', () => {
  it('measures there, too', async () => {
    await boot('6.12')
    await zerocopy('on', '--accept-risk', '--apply')
    await guest.shell(`modprobe vhost_net; mount -t tracefs tracefs ${TRACEFS} 2>/dev/null || true`)
    expect(await json('status')).toMatchObject({ module: 'loaded', parameter: 'present', running: true })
    const works = await measure(1400)
    expect(works).toMatchObject({ verdict: 'works' })
    expect(works.zeroCopied).toBeGreaterThan(20)
    await guest.run(['ethtool', '-K', 'dummy0', 'sg', 'off'])
    expect(await measure(1400)).toMatchObject({ verdict: 'copied', zeroCopied: 0 })
  })
})
