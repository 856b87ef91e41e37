import { describe, expect, test } from 'vitest'
import { lostConnectivity, parseGateway, parseNeighbour } from '../../../src/guard/connectivity'

test('the gateway is that of the first default route', () => {
  expect(parseGateway('default via 10.77.0.1 proto dhcp src 10.77.0.2 metric 100 \n')).toBe('10.77.0.1')
  expect(parseGateway('default via fe80::1 proto ra metric 100 pref medium\n')).toBe('fe80::1')
  expect(parseGateway('default via inet6 fe80::2 proto static\n')).toBe('fe80::2')
  expect(parseGateway('default scope link \n')).toBeUndefined()
  expect(parseGateway('')).toBeUndefined()
})

test('the neighbour state is the last word', () => {
  const address = '52:54:00:aa:bb:cc'
  expect(parseNeighbour(`10.77.0.1 lladdr ${address} REACHABLE \n`)).toEqual({ state: 'REACHABLE', address })
  expect(parseNeighbour(`fe80::1 lladdr ${address} router STALE\n`)).toEqual({ state: 'STALE', address })
  expect(parseNeighbour('10.77.0.1  FAILED\n')).toEqual({ state: 'FAILED', address: undefined })
  expect(parseNeighbour('')).toEqual({ state: undefined, address: undefined })
})

describe('lost', () => {
  const fine = { carrier: true, gateway: '10.0.0.1', neighbour: 'STALE' }
  test('is the carrier or the gateway that was there', () => {
    expect(lostConnectivity(fine, { ...fine, carrier: false })).toBe('the carrier was lost')
    expect(lostConnectivity(fine, { ...fine, carrier: undefined })).toBe('the carrier was lost')
    expect(lostConnectivity(fine, { ...fine, neighbour: 'FAILED' })).toBe(
      'the default gateway 10.0.0.1 no longer answers',
    )
  })
  test('is nothing that was not there, and no entry that is still asked about', () => {
    const dead = { carrier: false, gateway: '10.0.0.1', neighbour: 'FAILED' }
    expect(lostConnectivity(dead, dead)).toBeUndefined()
    expect(lostConnectivity(fine, { ...fine, neighbour: 'PROBE' })).toBeUndefined()
    expect(lostConnectivity(fine, { ...fine, neighbour: undefined })).toBeUndefined()
  })
})
