/** How the queues of a NIC are put to use in each operating system that a guest may run. Pure. */

export const OS_FAMILIES = ['linux', 'windows', 'freebsd', 'other'] as const

export interface GuestOs {
  readonly family: (typeof OS_FAMILIES)[number]
  /** As whoever installed it called it, for people. */
  readonly name: string
  /** False: told by settings that usually mean it. */
  readonly certain: boolean
}

/** What to do inside the guest so that it uses so many queue pairs. @param os undefined: nothing tells which it runs. */
export function stepsInGuest(os: GuestOs | undefined, queues: number): string {
  switch (os?.family) {
    case undefined:
      return 'inside the guest, if it runs Linux: vqtune apply'
    case 'linux':
      return 'inside the guest: vqtune apply'
    case 'windows':
      return [
        'inside Windows, in PowerShell as an administrator (driver NetKVM of virtio-win; NAME as Get-NetAdapter shows it):',
        '  Enable-NetAdapterRss -Name NAME',
        `  Set-NetAdapterRss -Name NAME -NumberOfReceiveQueues ${queues}`,
        '  Get-NetAdapterRss -Name NAME',
      ].join('\n')
    case 'freebsd':
      return [
        'inside the guest, in /boot/loader.conf (OPNsense, pfSense: System, Tunables), then reboot it:',
        '  hw.vtnet.mq_disable=0',
        `  hw.vtnet.mq_max_pairs=${queues}`,
        '  hw.vtnet.altq_disable=1   # FreeBSD 14 and newer: a kernel with ALTQ, such as those of firewalls, uses one queue without it',
        '  afterwards: sysctl dev.vtnet | grep vq_pairs',
      ].join('\n')
    case 'other':
      return `by the means of ${os.name}, if its virtio network driver has several queues; vqtune is for Linux guests`
  }
}

/** Where one queue per vCPU is not the whole truth: with XDP, Linux sends on queues of its own, one more for each vCPU. */
export function mayWantXdpQueues(os: GuestOs | undefined): boolean {
  return os === undefined || os.family === 'linux'
}
