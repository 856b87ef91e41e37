import { describe, expect, it } from 'vitest'
import { countActiveFlows, parseActiveFlows, parseAddresses } from '../../../src/kernel/active-flows'
import type { System } from '../../../src/system/system'
import { systemWith } from '../../support/systems'

/** iproute2 6.1 in a Debian 12 guest, shortened. */
const SS = `ESTAB 0      0      [::ffff:10.77.0.2]:5201 [::ffff:10.77.0.1]:35502
\t cubic wscale:10,7 rto:208 rtt:5.677/2.838 ato:40 mss:1448 lastsnd:5840 lastrcv:48 lastack:48 pacing_rate 40810280bps
ESTAB 0      0      10.77.0.2:22 10.77.0.1:35244
\t cubic wscale:10,7 rto:248 rtt:47.445/23.722 lastsnd:5992 lastrcv:90148 lastack:148 pacing_rate 4883120bps
ESTAB 0      0      10.77.0.2%eth0:68 10.77.0.1:67
\t cubic rto:248 lastsnd:90992 lastrcv:90148 lastack:90148
ESTAB 0      0      [fe80::1]%eth0:22 [fe80::2]%eth0:4000
\t cubic rto:248 rtt:1/1
SYN-SENT 0   1      10.77.0.2:40000 10.77.0.9:80
\t cubic rto:1000 lastsnd:10
ESTAB 0      0      10.77.0.2:2222 10.77.0.2:51000
\t cubic rto:248 lastsnd:5 lastrcv:5 lastack:5
ESTAB 0      0      10.88.0.2:22 10.88.0.1:35244
\t cubic rto:248 lastsnd:5 lastrcv:5 lastack:5
ESTAB 0      0      10.77.0.2:23 10.77.0.1:35245
ESTAB 0      0      10.77.0.2:24 10.77.0.1:35246
\t unknown
`
const IP = `2: eth0    inet 10.77.0.2/24 brd 10.77.0.255 scope global eth0\\       valid_lft forever preferred_lft forever
2: eth0    inet6 fe80::1/64 scope link \\       valid_lft forever preferred_lft forever
`

describe('active connections', () => {
  it('are those that received something lately', () => {
    const within = (ms: number) => parseActiveFlows(SS, ms).map(({ local }) => local)
    expect(within(5_000)).toEqual(['10.77.0.2', '10.77.0.2', 'fe80::1', '10.77.0.2', '10.88.0.2'])
    expect(within(100)).toEqual(['10.77.0.2', 'fe80::1', '10.77.0.2', '10.88.0.2'])
    expect(within(100_000)).toHaveLength(6)
    expect(parseActiveFlows(SS, 5_000)[0]).toEqual({ local: '10.77.0.2', peer: '10.77.0.1' })
    expect(parseActiveFlows('', 5_000)).toEqual([])
  })

  it('belong to the NIC that has their address', () => {
    expect(parseAddresses(IP)).toEqual(['10.77.0.2', 'fe80::1'])
    expect(parseAddresses('Device "x" does not exist.\n')).toEqual([])
  })

  function answering(run: System['run'], tools = ['ss', 'ip']): System {
    const findTool = (tool: string) => (tools.includes(tool) ? `/usr/sbin/${tool}` : undefined)
    return Object.assign(Object.create(systemWith({})) as System, { run, findTool })
  }
  const answer = async (tool: string) => ({ code: 0, stdout: tool === 'ss' ? SS : IP, stderr: '' })

  it('are counted without those of other NICs and of the guest with itself', async () => {
    expect(await countActiveFlows(answering(answer), 'eth0', 5_000)).toBe(3)
  })

  it('are none where the tools are missing or fail', async () => {
    expect(await countActiveFlows(answering(answer, ['ip']), 'eth0', 5_000)).toBe(0)
    expect(await countActiveFlows(answering(answer, ['ss']), 'eth0', 5_000)).toBe(0)
    expect(
      await countActiveFlows(
        answering(() => Promise.reject(new Error('hangs'))),
        'eth0',
        5_000,
      ),
    ).toBe(0)
  })
})
