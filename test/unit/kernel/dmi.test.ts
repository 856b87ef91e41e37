import { expect, it } from 'vitest'
import { readHypervisor } from '../../../src/kernel/dmi'
import { systemWith } from '../../support/systems'

it('each word is a file of /sys/class/dmi/id, without the blanks that firmware pads with', () => {
  const system = systemWith({
    '/sys/class/dmi/id/sys_vendor': 'QEMU\n',
    '/sys/class/dmi/id/product_name': 'Standard PC (Q35 + ICH9, 2009)\n',
    '/sys/class/dmi/id/product_family': '  Virtual Machine  \n',
    '/sys/class/dmi/id/bios_vendor': 'SeaBIOS\n',
    '/sys/class/dmi/id/board_vendor': 'Red Hat\n',
    '/sys/class/dmi/id/board_name': 'RHEL\n',
    '/sys/class/dmi/id/chassis_vendor': 'Chassis\n',
    '/sys/class/dmi/id/chassis_asset_tag': '7783-7084-3265-9085-8269-3286-77\n',
    '/sys/class/dmi/id/product_uuid': 'not asked for\n',
  })
  expect(readHypervisor(system)).toEqual({
    vendor: 'QEMU',
    product: 'Standard PC (Q35 + ICH9, 2009)',
    family: 'Virtual Machine',
    biosVendor: 'SeaBIOS',
    boardVendor: 'Red Hat',
    boardName: 'RHEL',
    chassisVendor: 'Chassis',
    chassisTag: '7783-7084-3265-9085-8269-3286-77',
  })
})

it('a guest without SMBIOS, or with blank strings, says nothing', () => {
  const nothing = {
    ...{ vendor: '', product: '', family: '', biosVendor: '' },
    ...{ boardVendor: '', boardName: '', chassisVendor: '', chassisTag: '' },
  }
  expect(readHypervisor(systemWith({}))).toEqual(nothing)
  expect(readHypervisor(systemWith({ '/sys/class/dmi/id/sys_vendor': ' \n' }))).toEqual(nothing)
})
