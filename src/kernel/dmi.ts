/** What the firmware says of the machine (SMBIOS). */
import type { Hypervisor } from '../model'
import type { System } from '../system/system'

/**
 * From /sys/class/dmi/id, which everybody may read but for serial numbers and UUID; '' for what is missing, unreadable or
 * blank. Guests without SMBIOS (ccw, most microVMs, arm64 without UEFI) have nothing at all.
 */
export function readHypervisor(system: System): Hypervisor {
  const read = (name: string): string => (system.readText(`${system.paths.sysDmi}/${name}`) ?? '').trim()
  return {
    vendor: read('sys_vendor'),
    product: read('product_name'),
    family: read('product_family'),
    biosVendor: read('bios_vendor'),
    boardVendor: read('board_vendor'),
    boardName: read('board_name'),
    chassisVendor: read('chassis_vendor'),
    chassisTag: read('chassis_asset_tag'),
  }
}
