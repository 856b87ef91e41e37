import { z } from 'zod'
import { FINDING_CODES, RESPONSIBLE, SEVERITIES } from '../../hypervisor/check/finding'
import { STACKS } from '../../hypervisor/check/observe'
import { OS_FAMILIES } from '../../hypervisor/guest/guest-os'
import { MANAGER_IDS } from '../../hypervisor/guest/managers'
import { LIBVIRT_UNITS } from '../../hypervisor/libvirt/daemon'
import { NIC_KINDS, TEAMING } from '../../hypervisor/libvirt/domain'
import { document } from './document'
import { count, positive } from './number'

const openFiles = z
  .object({
    used: count.nullable(),
    limit: count.nullable(),
    needed: count.nullable(),
    nextLimit: count.nullable(),
    unknown: z.array(z.string()).describe('what the estimate omits because the number is unknown'),
  })
  .describe(
    'of the running QEMU; needed and nextLimit are for its next start; null: not running, unlimited or not readable',
  )

const queues = z
  .object({
    live: count.nullable(),
    configured: count.nullable(),
    active: count.nullable(),
    unused: count.nullable(),
  })
  .describe(
    "queue pairs offered now and at the next start; those that the guest's driver uses; null if the host cannot see it",
  )

const nic = z.object({
  mac: z.string().describe('not unique: both halves of a teaming pair have it'),
  handle: z.string().describe('identifies this NIC alone for --nic'),
  kind: z.enum(NIC_KINDS),
  alias: z.string().nullable(),
  teaming: z.enum(TEAMING).nullable(),
  type: z.string(),
  model: z.string().nullable(),
  source: z.string().nullable(),
  target: z
    .string()
    .nullable()
    .describe('tap or macvtap of the running guest, or the one that the configuration sets'),
  driver: z.object({ live: z.string().nullable(), configured: z.string().nullable() }),
  queues,
})

const commandLineNic = z.object({
  mac: z.string().nullable(),
  device: z.string(),
  backend: z.string().nullable(),
  queues: positive,
})

const guestOs = z.object({
  family: z.enum(OS_FAMILIES),
  name: z.string(),
  certain: z.boolean().describe('false: inferred from settings that usually mean it'),
})

const domain = z.object({
  name: z.string(),
  title: z.string().nullable().describe('another name, for people: on Proxmox VE, where name is the number'),
  uuid: z.string(),
  stack: z.enum(STACKS).describe('what keeps its configuration; qemu: nothing, shown from its command line'),
  manager: z
    .enum(MANAGER_IDS)
    .nullable()
    .describe('what rewrites its XML at each start; null: nothing that vqtune knows'),
  guestOs: guestOs.nullable(),
  type: z.string().describe('kvm, qemu (emulated) ...'),
  running: z.boolean(),
  persistent: z.boolean(),
  vcpus: z.object({ current: positive, maximum: positive }),
  openFiles,
  interruptRoutes: z
    .object({ used: count.nullable(), limit: count })
    .describe('of KVM, by all virtio devices if their drivers use every vector'),
  lockedMemoryKib: count
    .nullable()
    .describe('what QEMU must be allowed to lock for passed-through and vDPA devices; null: none'),
  commandLineNics: z.array(commandLineNic).describe('from qemu:commandline'),
  nics: z.array(nic),
})

const finding = z.object({
  severity: z.enum(SEVERITIES).describe('--check exits 3 on errors and warnings'),
  who: z.enum(RESPONSIBLE).describe('who must act'),
  domain: z.string(),
  nic: z.string().nullable().describe('MAC; null: the guest as a whole'),
  code: z.enum(FINDING_CODES),
  text: z.string(),
  remedy: z.string().nullable(),
})

export const hostCheck = document('vqtune host check --json', {
  uri: z.string(),
  daemon: z
    .object({ unit: z.enum(LIBVIRT_UNITS), pid: count.nullable() })
    .nullable()
    .describe('null if none is running or listening'),
  maxFiles: count
    .nullable()
    .describe("max_files in qemu.conf, 0 if guests inherit the daemon's limit, null if not readable"),
  unanswered: z
    .array(z.object({ name: z.string(), why: z.string() }))
    .describe('guests that libvirt did not describe in time'),
  domains: z.array(domain),
  findings: z.array(finding).describe('worst first'),
})
