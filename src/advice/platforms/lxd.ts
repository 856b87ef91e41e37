/**
 * LXD and Incus. The number is not a setting: a virtual machine's bridged or macvlan NIC has as many queues as vCPUs when
 * it starts, at least two (configureQueues in driver_qemu.go). Type 2 of SMBIOS tells them; system and product are QEMU's.
 */
import { countedByVcpus, type Platform, type RemedyRequest } from './platform'

function remedyOf(command: string) {
  return (request: RemedyRequest) => ({
    reaches: Math.max(2, request.vcpus),
    steps: [
      {
        text: `Find the instance, the one whose NIC has the MAC ${request.mac}`,
        lines: [`${command} list --all-projects -c n,volatile.eth0.hwaddr:MAC`],
      },
      {
        text: 'Stop it and start it: its NICs get as many queues as it then has vCPUs',
        lines: [
          `${command} config get INSTANCE limits.cpu    # to set: ${command} config set INSTANCE limits.cpu=${request.vcpus}`,
          `${command} stop INSTANCE`,
          `${command} start INSTANCE`,
        ],
      },
    ],
    powerOff: true,
    powerOffHow: 'vCPUs plugged in while it runs do not add queues; neither does a reboot inside the guest.',
    notes: [
      `It gives as many queues as vCPUs, at least 2 ${countedByVcpus(request)}; there is no setting for the number.`,
      'If it has fewer after that, an earlier release runs it that used one queue: update it, then stop and start the instance.',
    ],
  })
}

export const INCUS: Platform = {
  id: 'incus',
  title: 'Incus',
  recognisedBy: 'board vendor LinuxContainers, board Incus; perhaps: vendor QEMU and MAC 10:66:6a',
  source: 'Incus, driver_qemu.go (-smbios type=2, configureQueues) and network.hwaddr_pattern',
  tried: undefined,
  matches: ({ boardVendor, boardName }) => boardVendor === 'LinuxContainers' || boardName === 'Incus',
  resembles: ({ vendor, mac }) => vendor === 'QEMU' && /^10:66:6a:/i.test(mac),
  remedy: remedyOf('incus'),
}

export const LXD: Platform = {
  id: 'lxd',
  title: 'LXD',
  recognisedBy: 'board vendor Canonical Ltd., board LXD; perhaps: vendor QEMU and MAC 00:16:3e',
  source: 'LXD, driver_qemu.go (-smbios type=2, configureQueues)',
  tried: undefined,
  matches: ({ boardVendor, boardName }) => boardName === 'LXD' || boardVendor === 'Canonical Ltd.',
  resembles: ({ vendor, mac }) => vendor === 'QEMU' && /^00:16:3e:/i.test(mac),
  remedy: remedyOf('lxc'),
}
