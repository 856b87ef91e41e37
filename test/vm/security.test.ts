/** A real guest in which others chose the names: of the NIC, and of an interface beside it. See docs/threat-model.md. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Guest } from './lib/guest'

/** Names that the kernel takes. */
const HOSTILE = ['-L', 'a;reboot', '$(reboot)', '--json', '<0>wall', '\u001b[8mX', '...x']

describe('names that others chose', () => {
  let guest: Guest
  let index: string
  let name: string
  beforeAll(async () => {
    guest = await Guest.boot({ kernel: '6.12', cpus: 2, nics: [{ queues: 2 }], vqtune: 'dist/vqtune.cjs' })
    name = await guest.nicName(0)
    index = (await guest.readFile(`/sys/class/net/${name}/ifindex`)).trim()
    // Its name breaks the JSON of ip.
    await guest.run(['ip', 'link', 'add', '\u001b]0;x', 'type', 'veth', 'peer', 'name', 'peer0'])
  })
  afterAll(async () => {
    await guest?.dispose()
  })

  /** Spoils the NIC's channels and gives it another name, by its index. */
  const rename = async (to: string): Promise<void> => {
    await guest.run(['ethtool', '-L', name, 'combined', '1'])
    await guest.run(['ip', 'link', 'set', 'dev', `if${index}`, 'name', to])
    name = to
  }

  test.each(HOSTILE)('%j: tuned, and nothing is printed that a terminal or shell obeys', async (to) => {
    await rename(to)
    const plan = await guest.exec(['vqtune', 'plan'])
    expect(plan).toMatchObject({ code: 0, stderr: '' })
    expect(plan.stdout).toContain('channels 1 -> 2')
    const explain = await guest.exec(['vqtune', 'explain', '--', to])
    expect(explain).toMatchObject({ code: 0, stderr: '' })
    // The command that it proposes, run as shown.
    const next = /^Next: (vqtune apply .*)$/m.exec(explain.stdout)?.[1] ?? 'no command'
    const apply = await guest.exec(['bash', '-c', next])
    expect(apply, next).toMatchObject({ code: 0, stderr: '' })
    expect(apply.stdout).toContain('converged: 1 NIC, 1 change')
    const status = await guest.exec(['vqtune', 'status', '--json'])
    expect(JSON.parse(status.stdout).nics).toMatchObject([
      { name: to, state: 'converged', channels: { current: 2 } },
    ])
    for (const { stdout } of [plan, explain, apply, status]) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there.
      expect(stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
    }
  })

  test('a name like a priority stays text in the journal', async () => {
    await rename('<0>wall')
    const unit = 'vqtune-security-test'
    await guest.run([
      'systemd-run',
      '--wait',
      '-q',
      '-u',
      unit,
      '-p',
      'SyslogLevelPrefix=no',
      'vqtune',
      'apply',
    ])
    const lines = (await guest.journal(['-u', unit, '-o', 'json']))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { MESSAGE: string; PRIORITY: string })
    const ours = lines.filter(({ MESSAGE }) => MESSAGE.includes('channels 1 -> 2'))
    expect(ours).toMatchObject([{ PRIORITY: '6' }])
    expect(ours[0]?.MESSAGE).toMatch(/^<0>wall: channels/)
  })

  test.each([
    ["'*'", '*'],
    ["$'\\377\\376'", '\ufffd\ufffd'],
  ])('a NIC named %s is told of with the way out, and that works', async (to, shown) => {
    await guest.run(['ethtool', '-L', name, 'combined', '1'])
    await guest.run(['bash', '-c', `ip link set dev if${index} name ${to}`])
    const status = await guest.exec(['vqtune', 'status'])
    expect(status).toMatchObject({ code: 0, stderr: '' })
    expect(status.stdout).toContain(`${shown}: not a target: `)
    const way = /: (ip link set dev ifN name NAME)$/m.exec(status.stdout)?.[1] ?? 'no way'
    await guest.run(way.replace('ifN', `if${index}`).replace('NAME', 'good0').split(' '))
    name = 'good0'
    expect((await guest.exec(['vqtune', 'apply'])).code).toBe(0)
    expect((await guest.run(['ethtool', '-l', name])).trim()).toMatch(/Combined:\s+2$/)
  })
})
