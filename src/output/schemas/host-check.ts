import { z } from 'zod'
import { FINDING_CODES, RESPONSIBLE, SEVERITIES } from '../../hypervisor/check/finding'
import { LIBVIRT_UNITS } from '../../hypervisor/libvirt/daemon'
import { document } from './document'
import { count, positive } from './number'

const openFiles = z
  .object({
    used: count.nullable(),
    limit: count.nullable(),
    needed: count.nullable(),
    nextLimit: count.nullable(),
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
  mac: z.string(),
  type: z.string(),
  model: z.string().nullable(),
  source: z.string().nullable(),
  target: z.string().nullable().describe('tap or macvtap of the running guest'),
  driver: z.object({ live: z.string().nullable(), configured: z.string().nullable() }),
  queues,
})

const domain = z.object({
  name: z.string(),
  uuid: z.string(),
  type: z.string().describe('kvm, qemu (emulated) ...'),
  running: z.boolean(),
  persistent: z.boolean(),
  vcpus: z.object({ current: positive, maximum: positive }),
  openFiles,
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
  domains: z.array(domain),
  findings: z.array(finding).describe('worst first'),
})
