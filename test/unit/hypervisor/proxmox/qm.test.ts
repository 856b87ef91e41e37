/** Texts of qm, made from its documentation: nothing here was recorded on a node. */
import { describe, expect, it } from 'vitest'
import { parseList } from '../../../../src/hypervisor/proxmox/qm'

describe('qm list', () => {
  it('has a line for each virtual machine', () => {
    expect(
      parseList(
        [
          '      VMID NAME                 STATUS     MEM(MB)    BOOTDISK(GB) PID       ',
          '       100 web01                running    2048              32.00 4711      ',
          '       101 win                  stopped    4096              64.00 0         ',
          '',
        ].join('\n'),
      ),
    ).toEqual([
      { vmid: '100', name: 'web01', running: true, pid: 4711 },
      { vmid: '101', name: 'win', running: false, pid: undefined },
    ])
  })
})
