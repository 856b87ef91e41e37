import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseGateway4, parseGateway6, readGateway } from '../../../src/kernel/routes'
import { systemWith } from '../../support/systems'

const HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT       \n'
const v4 = (nic: string, gateway: string, flags = '0003', metric = 100, mask = '00000000') =>
  `${nic}\t00000000\t${gateway}\t${flags}\t0\t0\t${metric}\t${mask}\t0\t0\t0      \n`
const ZERO = '0'.repeat(32)
const v6 = (nic: string, gateway: string, flags = '00000003', destination = `${ZERO} 00`) =>
  `${destination} ${ZERO} 00 ${gateway} 00000400 00000003 00000000 ${flags}     ${nic}\n`
const FE80_1 = 'fe800000000000000000000000000001'
const none = { known: true, gateway: undefined }

describe('/proc/net/route', () => {
  const gateway = (lines: string, little = true) => parseGateway4(`${HEAD}${lines}`, 'eth0', little)

  it('tells the gateway with the lowest metric of this NIC, as the CPU reads addresses', () => {
    const other = v4('eth1', '0900000A', '0003', 1)
    expect(gateway(`${other}${v4('eth0', '0200000A', '0003', 101)}${v4('eth0', '010200C0')}`)).toEqual({
      known: true,
      gateway: '192.0.2.1',
    })
    // Of equal metrics the first counts.
    expect(gateway(`${v4('eth0', '010200C0', '0003', 5)}${v4('eth0', '0200000A', '0003', 5)}`)).toEqual({
      known: true,
      gateway: '192.0.2.1',
    })
    expect(gateway(v4('eth0', 'C0000201'), false)).toEqual({ known: true, gateway: '192.0.2.1' })
  })

  it.each([
    ['no route', ''],
    ['routes of others', v4('eth1', '010200C0')],
    ['one that is down', v4('eth0', '010200C0', '0002')],
    ['one that is refused', v4('eth0', '010200C0', '0203')],
    ['0.0.0.0/1', v4('eth0', '010200C0', '0003', 0, '00000080')],
    ['another network', 'eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n'],
    ['a line that is cut', v4('eth0', '010200C0').slice(0, 30)],
  ])('has none with %s', (_what, lines) => {
    expect(gateway(lines)).toEqual(none)
  })

  it('does not tell a gateway by IPv6, nor whether there is one', () => {
    expect(gateway(v4('eth0', '00000000', '0001'))).toEqual({ known: false })
    expect(gateway(v4('eth0', '00000000', '0003'))).toEqual({ known: false })
  })
})

describe('/proc/net/ipv6_route', () => {
  it('tells the gateway of this NIC', () => {
    const text = `${v6('eth1', FE80_1)}${v6('eth0', FE80_1, '00450003')}${v6('lo', ZERO, '00200200')}`
    expect(parseGateway6(text, 'eth0')).toEqual({ known: true, gateway: 'fe80::1' })
    expect(parseGateway6(`${text}${text}`, 'eth0')).toEqual({ known: true, gateway: 'fe80::1' })
    expect(parseGateway6(text, 'eth2')).toEqual(none)
    expect(parseGateway6(text, 'lo')).toEqual(none)
  })

  it.each([
    ['one that is down', v6('eth0', FE80_1, '00000002')],
    ['one that is refused', v6('eth0', FE80_1, '00000203')],
    ['one without a gateway', v6('eth0', ZERO, '00000001')],
    ['another prefix', v6('eth0', FE80_1, '00000003', `${FE80_1} 40`)],
  ])('has none with %s', (_what, text) => {
    expect(parseGateway6(text, 'eth0')).toEqual(none)
  })

  it('does not tell which of two is used', () => {
    expect(parseGateway6(`${v6('eth0', FE80_1)}${v6('eth0', `${FE80_1.slice(1)}2`)}`, 'eth0')).toEqual({
      known: false,
    })
  })

  it.each([
    ['20010db8000000000000000000000001', '2001:db8::1'],
    ['20010db8000000010000000000000001', '2001:db8:0:1::1'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['fe800000000000000000000000000000', 'fe80::'],
    [ZERO, '::'],
    ['00010000000000020003000000000000', '1:0:0:2:3::'],
    ['00010000000000020003000400000000', '1::2:3:4:0:0'],
  ])('%s is %s, as ip prints it', (hex, address) => {
    expect(parseGateway6(v6('eth0', hex), 'eth0')).toEqual({ known: true, gateway: address })
  })

  it('every address is one that the platform reads as the same', () => {
    const groups = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(groups, (all) => {
        const hex = all.map((group) => group.toString(16).padStart(4, '0')).join('')
        const told = parseGateway6(v6('eth0', hex), 'eth0')
        const whole = all.map((group) => group.toString(16)).join(':')
        const url = (address: string) => new URL(`http://[${address}]`).hostname
        expect(told.known && url(told.gateway ?? '')).toBe(url(whole))
      }),
    )
  })
})

describe('the gateway of a NIC', () => {
  const gateway = (files: Record<string, string>) =>
    readGateway(
      systemWith(
        Object.fromEntries(Object.entries(files).map(([name, text]) => [`/proc/net/${name}`, text])),
      ),
      'eth0',
    )

  it('is that by IPv4, else that by IPv6', () => {
    const ipv6_route = v6('eth0', FE80_1)
    expect(gateway({ route: `${HEAD}${v4('eth0', '010200C0')}`, ipv6_route })).toMatchObject({
      gateway: expect.stringMatching(/^(192\.0\.2\.1|1\.2\.0\.192)$/),
    })
    expect(gateway({ route: HEAD, ipv6_route })).toEqual({ known: true, gateway: 'fe80::1' })
    expect(gateway({ route: HEAD })).toEqual(none)
  })

  it('is unknown where the kernel shows no table, and where IPv4 does not tell', () => {
    expect(gateway({})).toEqual({ known: false })
    expect(gateway({ route: v4('eth0', '00000000', '0001'), ipv6_route: v6('eth0', FE80_1) })).toEqual({
      known: false,
    })
  })
})
