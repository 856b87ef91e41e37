import { expect, it } from 'vitest'
import { parseNetworkMode } from '../../../../src/hypervisor/libvirt/network'

it('a network tells what it does with interfaces', () => {
  expect(parseNetworkMode("<network><forward mode='hostdev' managed='yes'/></network>")).toBe('hostdev')
  expect(
    parseNetworkMode("<network><forward mode='nat'><nat><port start='1024'/></nat></forward></network>"),
  ).toBe('nat')
})

it('an isolated network, or the XML of something else, does nothing with them', () => {
  for (const xml of ['<network/>', '<network><forward/></network>', "<domain><forward mode='nat'/></domain>"])
    expect(parseNetworkMode(xml), xml).toBeUndefined()
})

it('what is no XML is an error of virsh', () => {
  expect(() => parseNetworkMode('<network>')).toThrow(/^virsh net-dumpxml: malformed XML at line 1: /)
})
