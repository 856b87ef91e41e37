import { describe, expect, it } from 'vitest'
import { parseDomainList, parseInfo, virshError } from '../../../../src/hypervisor/libvirt/virsh-output'
import { recorded } from '../recorded'

describe('virsh list', () => {
  const uuid = (last: number) => `54011aac-140d-4ccc-a6f0-02f74d2d65b${last}`

  it('gives UUIDs and names', () => {
    expect(parseDomainList(recorded('list.txt'))).toEqual([{ uuid: uuid(9), name: 'web01' }])
  })

  it('is sorted by name, and what is no guest is left out', () => {
    const text = ` ${uuid(1)}  web02 \n\n ${uuid(2)}  db 1\n ${uuid(3)}\n web05\n 54011aac  web04\n ${uuid(4)}  a\n ${uuid(5)}  web03`
    expect(parseDomainList(text).map(({ name }) => name)).toEqual(['a', 'db 1', 'web02', 'web03'])
  })
})

describe('virsh dominfo', () => {
  it('gives values by key', () => {
    expect(parseInfo(recorded('dominfo.txt')).get('Persistent')).toBe('yes')
    expect(parseInfo(recorded('dominfo.txt')).get('Used memory')).toBe('65536 KiB')
  })

  it('takes a colon for the end of the first key only', () => {
    expect(parseInfo('Security DOI: a:b\n: x\nno colon\nEmpty:')).toEqual(
      new Map([
        ['Security DOI', 'a:b'],
        ['Empty', ''],
      ]),
    )
  })
})

describe('what virsh complains of', () => {
  const of = (stderr: string) => virshError('qemu:///system', { code: 1, stdout: '', stderr })

  it.each([
    [
      "error: failed to connect to the hypervisor\nerror: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory\n",
      'tool-failed',
      "failed to connect to the hypervisor: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory; is virtqemud or libvirtd running?",
    ],
    [
      "error: failed to connect to the hypervisor\nerror: authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'\n",
      'permission',
      "failed to connect to the hypervisor: authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'; run as root or as a member of libvirt's group",
    ],
    [
      'error: operation forbidden: virDomainGetXMLDesc with secure flag\n',
      'permission',
      "operation forbidden: virDomainGetXMLDesc with secure flag; run as root or as a member of libvirt's group",
    ],
    ["a warning\nerror: failed to get domain 'x'\n\n", 'tool-failed', "failed to get domain 'x'"],
    ['Segmentation fault\nmore\n', 'tool-failed', 'Segmentation fault'],
    ['', 'tool-failed', 'exit code 1, no output'],
    ['error: \n', 'tool-failed', 'exit code 1, no output'],
  ])('%j', (stderr, kind, message) => {
    expect(of(stderr)).toMatchObject({ kind, message: `virsh qemu:///system: ${message}` })
  })
})
