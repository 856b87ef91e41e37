import { describe, expect, test } from 'vitest'
import {
  answers,
  hasGateway,
  lostConnectivity,
  parseGateway,
  parseNeighbour,
  parseNeighbours,
  probeConnectivity,
  probeGateway,
  readConnectivity,
  verifiedLoss,
} from '../../../src/confirm/connectivity'
import type { System } from '../../../src/system/system'
import { systemWith } from '../../support/systems'

const ADDRESS = '52:54:00:aa:bb:cc'

describe('ip route', () => {
  test('the gateway is that of the first default route', () => {
    expect(parseGateway('default via 10.77.0.1 proto dhcp src 10.77.0.2 metric 100 \n')).toBe('10.77.0.1')
    expect(parseGateway('default via fe80::1 proto ra metric 100 pref medium\n')).toBe('fe80::1')
    expect(parseGateway('default via inet6 fe80::2 proto static\n')).toBe('fe80::2')
    expect(parseGateway('default scope link \ndefault via 10.0.0.2 metric 9\n')).toBe('10.0.0.2')
  })
  test.each(['', 'default scope link \n', 'default via', 'default via \n', '10.0.0.0/8 via 10.0.0.1\n'])(
    'no gateway in %j',
    (text) => {
      expect(parseGateway(text)).toBeUndefined()
    },
  )
})

describe('ip neigh', () => {
  test.each([
    [`10.77.0.1 lladdr ${ADDRESS} REACHABLE \n`, 'REACHABLE', ADDRESS],
    [`fe80::1 lladdr ${ADDRESS} router STALE\n`, 'STALE', ADDRESS],
    // Who made the entry stands behind its state: a routing daemon, or `ip neigh add ... proto static`.
    [`10.77.0.1 lladdr ${ADDRESS} extern_learn  NOARP proto zebra \n`, 'NOARP', ADDRESS],
    ['10.77.0.1  FAILED\n', 'FAILED', undefined],
    ['10.77.0.1  INCOMPLETE \n10.77.0.2 lladdr 52:54:00:00:00:01 REACHABLE\n', 'INCOMPLETE', undefined],
    ['10.77.0.1 lladdr', undefined, undefined],
    [`10.77.0.1 lladdr ${ADDRESS}`, undefined, ADDRESS],
    ['\n', undefined, undefined],
    ['', undefined, undefined],
  ])('%j', (text, state, address) => {
    expect(parseNeighbour(text)).toMatchObject({ state, address })
  })
})

test('what an entry is marked with stays when it is asked', async () => {
  const line = `fe80::1 lladdr ${ADDRESS} router extern_learn STALE \n`
  expect(parseNeighbour(line).flags).toEqual(['router', 'extern_learn'])
  expect(parseNeighbour(entry('STALE')).flags).toEqual([])
  const probe = `-6 neigh change fe80::1 lladdr ${ADDRESS} nud probe dev eth0 router extern_learn`
  const { host, asked } = guest('1\n', { [NEIGHBOUR_6]: [line], [probe]: [''] })
  expect(await probeGateway(host, 'eth0', { carrier: true, gateway: 'fe80::1', neighbour: 'STALE' })).toBe(
    true,
  )
  expect(asked).toEqual([NEIGHBOUR_6, probe])
})

describe('a gateway that does not answer at its address', () => {
  const before = { carrier: true, gateway: '10.77.0.1', neighbour: 'REACHABLE' }
  const failed = { ...before, neighbour: 'FAILED' }
  const FAILED = '10.77.0.1  FAILED \n'
  const ASKED = '10.77.0.1  INCOMPLETE \n'
  const LOST = 'the default gateway 10.77.0.1 no longer answers'
  const USE = '-4 neigh replace 10.77.0.1 dev eth0 use'
  const verdict = async (neighbours: readonly string[], use?: string) => {
    const { host, asked } = guest('1\n', {
      [NEIGHBOUR]: neighbours,
      ...(use === undefined ? {} : { [USE]: [use] }),
    })
    return { lost: await verifiedLoss(host, 'eth0', before, failed), asked }
  }

  test('is not lost if another machine has its IP address now', async () => {
    const { lost, asked } = await verdict([FAILED, '10.77.0.1  INCOMPLETE \n', entry('REACHABLE')], '')
    expect(lost).toBeUndefined()
    expect(asked).toEqual([NEIGHBOUR, USE, NEIGHBOUR, NEIGHBOUR])
  })

  test.each([
    ['nobody has', [FAILED, FAILED], ''],
    ['it cannot be asked', [FAILED], 'refused'],
    ['ip went', [FAILED], undefined],
    ['its entry is another one by now', [entry('PERMANENT')], ''],
  ])('is lost if %s', async (_, neighbours, use) => {
    expect((await verdict(neighbours, use)).lost).toBe('the default gateway 10.77.0.1 no longer answers')
  })

  test.each([
    ['is lost when the kernel has given up', [ASKED, ASKED, FAILED, FAILED, FAILED], LOST],
    ['is not when it answers in the end', [ASKED, entry('REACHABLE')], undefined],
  ])('that traffic asks for again and again %s', async (_, neighbours, expected) => {
    const { host } = guest('1\n', { [NEIGHBOUR]: neighbours, [USE]: ['refused'] })
    expect(await verifiedLoss(host, 'eth0', before, { ...before, neighbour: 'INCOMPLETE' })).toBe(expected)
  })

  test('is not waited for where there was none to lose', async () => {
    const { host, asked } = guest('1\n', {})
    const asking = { ...before, neighbour: 'INCOMPLETE' }
    expect(await verifiedLoss(host, 'eth0', failed, asking)).toBeUndefined()
    expect(asked).toEqual([])
  })

  test('is not asked where the carrier is lost, or nothing', async () => {
    const { host, asked } = guest('0\n', {})
    expect(await verifiedLoss(host, 'eth0', before, { ...failed, carrier: false })).toBe(
      'the carrier was lost',
    )
    expect(await verifiedLoss(host, 'eth0', before, before)).toBeUndefined()
    expect(asked).toEqual([])
  })
})

test('ip -s neigh: each entry with the time since it was confirmed', () => {
  // As iproute2 6.1 prints them, a blank too few included.
  const text = `192.0.2.1 dev eth0 lladdr 02:fc:00:00:00:05  used 328/12/298probes 1 STALE
192.0.2.1 dev eth1 lladdr ${ADDRESS} ref 1 used 0/0/0 probes 4 REACHABLE
fd00::1 dev eth0  used 919/14041/918probes 6 FAILED
fe80::2 dev eth1 lladdr ${ADDRESS} router STALE
nothing
`
  expect([...parseNeighbours(text)]).toEqual([
    ['eth0 192.0.2.1', { state: 'STALE', address: '02:fc:00:00:00:05', flags: [], confirmed: 12 }],
    ['eth1 192.0.2.1', { state: 'REACHABLE', address: ADDRESS, flags: [], confirmed: 0 }],
    ['eth0 fd00::1', { state: 'FAILED', address: undefined, flags: [], confirmed: 14041 }],
    ['eth1 fe80::2', { state: 'STALE', address: ADDRESS, flags: ['router'], confirmed: undefined }],
  ])
})

/**
 * A guest with one NIC whose `ip` prints these texts by the arguments before `dev eth0`, each time the next one, the last
 * for ever; what is not listed fails as a program that went away.
 */
function guest(carrier: string, texts: Readonly<Record<string, readonly string[]>>) {
  const asked: string[] = []
  const left = new Map(Object.entries(texts).map(([args, answers]) => [args, [...answers]]))
  const host = Object.assign(
    Object.create(systemWith({ '/sys/class/net/eth0/carrier': carrier })) as System,
    {
      findTool: () => '/usr/sbin/ip',
      run: (tool: string, args: readonly string[]) => {
        const command = [tool, ...args].join(' ').replace(/^ip | dev eth0$/g, '')
        asked.push(command)
        const answers = left.get(command)
        const stdout = answers !== undefined && answers.length > 1 ? answers.shift() : answers?.[0]
        if (stdout === undefined) return Promise.reject(new Error('gone'))
        return Promise.resolve({ code: stdout === 'refused' ? 2 : 0, stdout, stderr: '' })
      },
    },
  )
  return { host, asked }
}

const ROUTE = '-4 route show default'
const ROUTE_6 = '-6 route show default'
const NEIGHBOUR = '-4 neigh show to 10.77.0.1'
const NEIGHBOUR_6 = '-6 neigh show to fe80::1'
const ALL = '-s neigh show'
const PROBE = `-4 neigh change 10.77.0.1 lladdr ${ADDRESS} nud probe`
const V4 = { [ROUTE]: ['default via 10.77.0.1 proto dhcp \n'] }
const entry = (state: string) => `10.77.0.1 lladdr ${ADDRESS} ${state} \n`

describe('what a NIC reaches', () => {
  test('its gateway by IPv4, else by IPv6, with the neighbour entry', async () => {
    const v4 = guest('1\n', { ...V4, [NEIGHBOUR]: [entry('STALE')] })
    expect(await readConnectivity(v4.host, 'eth0')).toEqual({
      carrier: true,
      gateway: '10.77.0.1',
      neighbour: 'STALE',
    })
    const v6 = guest('0\n', {
      ...{ [ROUTE]: [''], [ROUTE_6]: ['default via fe80::1 proto ra metric 100 pref medium\n'] },
      [NEIGHBOUR_6]: [`fe80::1 lladdr ${ADDRESS} router REACHABLE\n`],
    })
    expect(await readConnectivity(v6.host, 'eth0')).toEqual({
      carrier: false,
      gateway: 'fe80::1',
      neighbour: 'REACHABLE',
    })
  })

  test('nothing but the carrier without a gateway, or where ip is missing or breaks', async () => {
    const none = { gateway: undefined, neighbour: undefined }
    const silent = guest('1\n', { [ROUTE]: [''], [ROUTE_6]: [''] })
    expect(await readConnectivity(silent.host, 'eth0')).toEqual({ carrier: true, ...none })
    expect(await readConnectivity(guest('1\n', {}).host, 'eth0')).toEqual({ carrier: true, ...none })
    const { host, asked } = guest('1\n', V4)
    Object.assign(host, { findTool: () => undefined })
    expect(await readConnectivity(host, 'eth1')).toEqual({ carrier: undefined, ...none })
    expect(asked).toEqual([])
  })
})

describe('whether the gateway lives', () => {
  const prove = async ([first = '', ...neighbours]: readonly string[], probe = '') => {
    const { host, asked } = guest('1\n', {
      ...V4,
      [ALL]: [first.replace(' ', ' dev eth0 ')],
      ...(neighbours.length === 0 ? {} : { [NEIGHBOUR]: neighbours }),
      [PROBE]: [probe],
    })
    const found = (await probeConnectivity(host, ['eth0'])).get('eth0')
    return { neighbour: found?.neighbour, probes: asked.filter((command) => command === PROBE).length, asked }
  }
  test('is asked of all NICs by one program, and by none where there is no gateway', async () => {
    const files = (route: string) => ({
      '/proc/net/route': `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n${route}`,
      '/sys/class/net/eth0/carrier': '1\n',
    })
    const asked: string[] = []
    const on = (route: string) =>
      Object.assign(systemWith(files(route)), {
        findTool: () => '/usr/sbin/ip',
        run: (tool: string, args: readonly string[]) => {
          asked.push([tool, ...args].join(' '))
          const list = (nic: string) => `10.77.0.1 dev ${nic} lladdr ${ADDRESS} used 1/1/1 REACHABLE\n`
          return Promise.resolve({ code: 0, stdout: `${list('eth0')}${list('eth1')}`, stderr: '' })
        },
      })
    const line = (nic: string) => `${nic}\t00000000\t01004D0A\t0003\t0\t0\t100\t00000000\t0\t0\t0 \n`
    const gateway = { gateway: '10.77.0.1', neighbour: 'REACHABLE' }
    const [eth0, eth1] = ['eth0', 'eth1']
    const both = await probeConnectivity(on(`${line(eth0)}${line(eth1)}`), [eth0, eth1, 'eth2'])
    expect([...both]).toEqual([
      [eth0, { carrier: true, ...gateway }],
      [eth1, { carrier: undefined, ...gateway }],
      ['eth2', { carrier: undefined, gateway: undefined, neighbour: undefined }],
    ])
    expect(asked.splice(0)).toEqual(['ip -s neigh show'])
    const none = await probeConnectivity(on(''), [eth0])
    expect(none.get(eth0)).toEqual({ carrier: true, gateway: undefined, neighbour: undefined })
    expect(asked).toEqual([])
  })

  const [stale, probe] = [entry('STALE'), entry('PROBE')]

  test('shows when it answers a probe, until the kernel gives up', async () => {
    expect(await prove([stale, stale, probe, probe, entry('REACHABLE')])).toMatchObject({
      neighbour: 'REACHABLE',
      probes: 1,
    })
    expect(await prove([stale, stale, probe, '10.77.0.1  FAILED \n'])).toMatchObject({
      neighbour: 'FAILED',
      probes: 1,
    })
  })

  test('is not asked when that is known, and is not proven where it cannot be asked', async () => {
    for (const state of ['FAILED', 'INCOMPLETE', 'PERMANENT', 'NOARP'])
      expect(await prove([`10.77.0.1  ${state} \n`])).toMatchObject({ neighbour: state, probes: 0 })
    expect(await prove([stale, stale], 'refused')).toMatchObject({ neighbour: 'FAILED', probes: 1 })
    const delay = '10.77.0.1  DELAY \n'
    expect(await prove([delay, delay])).toMatchObject({ neighbour: 'FAILED', probes: 0 })
  })

  test('is known without a probe when it answered within the last seconds', async () => {
    const reachable = (seconds: string) =>
      `10.77.0.1 lladdr ${ADDRESS} ref 1 used 9/${seconds}/9 probes 1 REACHABLE \n`
    const answered = { neighbour: 'REACHABLE', probes: 0, asked: [ROUTE, ALL] }
    for (const seconds of ['0', '5']) expect(await prove([reachable(seconds)])).toEqual(answered)
    const dead = [entry('REACHABLE'), '10.77.0.1  FAILED \n']
    for (const one of [reachable('6'), entry('REACHABLE')])
      expect(await prove([one, ...dead])).toMatchObject({ neighbour: 'FAILED', probes: 1 })
  })

  const connected = { carrier: true, gateway: '10.77.0.1', neighbour: 'REACHABLE' }

  test('waits no longer than told', async () => {
    const { host, asked } = guest('1\n', { [NEIGHBOUR]: [probe] })
    expect(await answers(host, 'eth0', connected, 60)).toBe(false)
    expect(asked.length).toBeGreaterThan(1)
  })

  test('a CPU is asked from by taskset; a probe that cannot be made is none', async () => {
    const taskset = `taskset -c 3 ip ${PROBE}`
    const { host, asked } = guest('1\n', { [NEIGHBOUR]: [stale], [taskset]: [''] })
    expect(await probeGateway(host, 'eth0', connected, 3)).toBe(true)
    expect(asked).toEqual([NEIGHBOUR, taskset])
    expect(await probeGateway(host, 'eth0', connected, 4)).toBe(false)
    expect(await probeGateway(host, 'eth0', { ...connected, neighbour: 'FAILED' }, 3)).toBe(false)
    expect(hasGateway({ ...connected, gateway: undefined })).toBe(false)
  })

  test('an entry that was made PERMANENT since is left so', async () => {
    const { host, asked } = guest('1\n', { [NEIGHBOUR]: [entry('PERMANENT')], [PROBE]: [''] })
    expect(await probeGateway(host, 'eth0', connected)).toBe(false)
    expect(asked).toEqual([NEIGHBOUR])
  })
})

describe('lost', () => {
  const fine = { carrier: true, gateway: '10.0.0.1', neighbour: 'STALE' }
  test('is the carrier or the gateway that was there', () => {
    expect(lostConnectivity(fine, { ...fine, carrier: false })).toBe('the carrier was lost')
    // Set down, or gone: no change of channels does that.
    expect(lostConnectivity(fine, { ...fine, carrier: undefined })).toBeUndefined()
    expect(lostConnectivity(fine, { ...fine, neighbour: 'FAILED' })).toBe(
      'the default gateway 10.0.0.1 no longer answers',
    )
  })
  test('is nothing that was not there, and no entry that is still asked about', () => {
    const dead = { carrier: false, gateway: '10.0.0.1', neighbour: 'FAILED' }
    expect(lostConnectivity(dead, dead)).toBeUndefined()
    expect(lostConnectivity(fine, { ...fine, neighbour: 'PROBE' })).toBeUndefined()
    expect(lostConnectivity(fine, { ...fine, neighbour: undefined })).toBeUndefined()
    expect(
      lostConnectivity(fine, { carrier: true, gateway: '10.0.0.9', neighbour: 'FAILED' }),
    ).toBeUndefined()
  })
})
