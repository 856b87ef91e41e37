import type { PlatformEvidence } from '../../src/advice/platforms/platform'

/** What a guest shows that has no DMI strings and a usual NIC, but for the changes. */
export function evidenceWith(changes: Partial<PlatformEvidence>): PlatformEvidence {
  return {
    vendor: '',
    product: '',
    family: '',
    biosVendor: '',
    boardVendor: '',
    boardName: '',
    chassisVendor: '',
    chassisTag: '',
    bus: 'pci',
    mac: '52:54:00:ab:cd:01',
    controlQueue: true,
    commandLine: 'quiet',
    ...changes,
  }
}
