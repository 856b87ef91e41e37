import { execa } from 'execa'
import { afterEach, describe, expect, test } from 'vitest'
import { Guest } from './lib/guest'
import { isRhel, kernelsOf, takesVcpus } from './lib/kernels'

/** The harness itself: what every other test here builds on. */
describe.each(kernelsOf('6.12'))('guest with kernel %s', (kernel) => {
  let guest: Guest | undefined
  afterEach(async () => {
    await guest?.dispose()
  })

  test('boots with four queues, answers, and leaves nothing behind', async () => {
    guest = await Guest.boot({ kernel, cpus: 4, nics: [{ queues: 4 }], node: true })
    const { namespace } = guest.network

    const release = isRhel(kernel)
      ? `\\.el${kernel.replace('rhel', '').replace('.', '_')}\\.`
      : `^${kernel.replace('.', '\\.')}\\.`
    expect(await guest.readFile('/proc/sys/kernel/osrelease')).toMatch(new RegExp(release))
    expect(await guest.shell('cd /sys/class/net; ls -d */')).toBe('enp0s8/\nlo/\n')
    const nic = await guest.nicName(0)
    expect(await guest.run(['ethtool', '-l', nic])).toMatch(/Combined:\s+4[\s\S]*Combined:\s+4/)
    expect(await guest.readFile('/sys/devices/system/cpu/online')).toBe('0-3')

    expect(
      await guest.exec(['sh', '-c', 'cat; echo "$A" >&2; exit 3'], { input: 'in', env: { A: 'b c' } }),
    ).toEqual({
      code: 3,
      stdout: 'in',
      stderr: 'b c\n',
    })
    await expect(guest.exec(['no-such-command'])).rejects.toThrow(/no-such-command/)
    await guest.writeFile('/tmp/deep/file', 'content\n', '0600')
    expect(await guest.readFile('/tmp/deep/file')).toBe('content')
    await guest.pushDir(import.meta.dirname, '/tmp/pushed')
    expect(await guest.run(['ls', '/tmp/pushed'])).toContain('harness.test.ts')
    expect(await guest.run(['node', '-p', 'process.version'])).toBe(`${process.version}\n`)

    await guest.configureNic(0)
    await guest.dispose()
    const { stdout } = await execa('ip', ['netns', 'list'])
    expect(stdout).not.toContain(namespace)
  })
})

test.each(kernelsOf('6.1').filter(takesVcpus))(
  'reboot, vCPU offline and hot-add, NIC hot-plug, kernel %s',
  async (kernel) => {
    await using guest = await Guest.boot({
      kernel,
      cpus: 2,
      maxCpus: 3,
      nics: [{ queues: 3 }],
      hotplugPorts: 1,
    })
    await guest.setCpuOnline(1, false)
    expect(await guest.readFile('/sys/devices/system/cpu/online')).toBe('0')
    await guest.setCpuOnline(1, true)

    const cpu = await guest.addCpu()
    await guest.setCpuOnline(cpu, true)
    expect(await guest.readFile('/sys/devices/system/cpu/online')).toBe('0-2')

    const nic = await guest.addNic({ queues: 2 }, 0)
    expect(await guest.run(['ethtool', '-i', nic])).toContain('virtio_net')
    await guest.removeNic(1)
    await expect(guest.nicName(1)).rejects.toThrow(/has no NIC 1/)

    await guest.writeFile('/root/kept', 'yes')
    await guest.reboot()
    expect(await guest.readFile('/root/kept')).toBe('yes')
  },
)
