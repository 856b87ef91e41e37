import { describe, expect, it } from 'vitest'
import type { System } from '../../../src/system/system'
import { findProbe, Pings, parsePing } from '../../../src/trial/latency'
import { systemWith } from '../../support/systems'

/** As iputils of Debian 12 prints it, ended by SIGINT; the times in ms. */
const printed = (
  times: readonly number[],
  sent: number,
  target = '127.0.0.1',
  size = '56(84) bytes of data.',
) =>
  [
    `PING ${target} (${target}) from ${target} lo: ${size}`,
    ...times.map((time, index) => `64 bytes from ${target}: icmp_seq=${index + 1} ttl=64 time=${time} ms`),
    `\n--- ${target} ping statistics ---`,
    `${sent} packets transmitted, ${times.length} received, 0% packet loss, time 381ms`,
    'rtt min/avg/max/mdev = 0.026/0.031/0.044/0.004 ms\n',
  ].join('\n')
const steady = Array.from({ length: 199 }, () => 0.03)

describe('the time of requests', () => {
  it('is that of the slowest of a hundred', () => {
    expect(parsePing(printed([...steady, 5], 200))).toMatchObject({ p99Ms: 0.03, packets: 400 })
    expect(parsePing(printed([...steady.slice(0, 97), 5, 6, 7], 100)).p99Ms).toBeCloseTo(6.01)
  })

  it('counts an answer that never came as a second, but for the one on its way at the end', () => {
    expect(parsePing(printed(steady, 200)).p99Ms).toBe(0.03)
    expect(parsePing(printed(steady, 210)).p99Ms).toBe(1000)
  })

  it('is not told from a few, or from nothing', () => {
    expect(parsePing(printed(steady.slice(0, 19), 19)).p99Ms).toBeUndefined()
    expect(parsePing('')).toEqual({ p99Ms: undefined, packets: 0, bytes: 0 })
    // Killed before its summary.
    expect(parsePing('64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time<1 ms\n')).toMatchObject({ packets: 2 })
  })

  it.each([
    ['10.0.0.1', 98],
    ['fe80::1%lo', 118],
  ])('what %s was asked is not taken for traffic', (target, bytes) => {
    expect(parsePing(printed(steady, 199, target, '56 data bytes'))).toMatchObject({ bytes: 398 * bytes })
  })
})

describe('whom to ask', () => {
  const ROUTE = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n'
  const DEFAULT = `${ROUTE}eth0\t00000000\t01004D0A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n`
  const host = (
    route: string,
    answer: { stdout?: string; stderr?: string } | Error,
    tools = ['ip', 'ping'],
  ): System =>
    Object.assign(
      systemWith({
        '/proc/net/route': route,
        '/proc/net/ipv6_route': '',
        ...Object.fromEntries(tools.map((tool) => [`/usr/bin/${tool}`, ''])),
      }),
      {
        run: async (tool: string, argv: readonly string[]) => {
          if (tool !== 'ping') return { code: 0, stdout: '', stderr: '' }
          if (answer instanceof Error) throw answer
          expect(argv.slice(-4)).toEqual(['-I', 'eth0', '--', expect.any(String)])
          return { code: 1, stdout: '', stderr: '', ...answer }
        },
      },
    )
  const answers = { stdout: printed([0.1], 1) }

  it('is the gateway, or the host that is named', async () => {
    expect(await findProbe(host(DEFAULT, answers), 'eth0', undefined)).toEqual({ target: '10.77.0.1' })
    expect(await findProbe(host(DEFAULT, answers), 'eth0', 'db1')).toEqual({ target: 'db1' })
  })

  it.each([
    ['there is no gateway', () => host(ROUTE, answers), 'eth0 has no default gateway to ping'],
    ['it does not answer', () => host(DEFAULT, {}), '10.77.0.1 does not answer ping'],
    [
      'ping fails',
      () => host(DEFAULT, { stderr: 'ping: Warning: x\nping: socket: EPERM\n' }),
      'ping: socket: EPERM',
    ],
    ['ping hangs', () => host(DEFAULT, new Error('no answer')), 'no answer'],
    ['there is no ping', () => host(DEFAULT, answers, ['ip']), 'ping (iputils) is not installed'],
  ])('is nobody where %s, and a host that is named must answer', async (_, make, why) => {
    const system = make()
    expect(await findProbe(system, 'eth0', undefined)).toEqual({ target: undefined, why })
    if (why.includes('no default gateway')) return
    await expect(findProbe(system, 'eth0', 'db1')).rejects.toMatchObject({
      kind: 'tool-failed',
      message: `trial: --probe db1: ${why.replace('10.77.0.1', 'db1')}`,
    })
  })
})

it('a ping that cannot be started is no measurement, and no error', async () => {
  const pings = await Pings.start(systemWith({}), 'eth0', '-x')
  expect(await pings.end()).toEqual({ p99Ms: undefined, packets: 0, bytes: 0 })
})
