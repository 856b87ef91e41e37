import { z } from 'zod'
import { CONDITION_CODES } from '../../hypervisor/zerocopy/conditions'
import { MODULE, PARAMETER } from '../../hypervisor/zerocopy/modprobe-conf'
import { MODULE_STATES, PARAMETER_STATES } from '../../hypervisor/zerocopy/module'
import { document } from './document'
import { count } from './number'

const condition = z.object({
  code: z.enum(CONDITION_CODES),
  defeats: z.boolean().describe('zero copy has no effect on any traffic on this path'),
  text: z.string(),
})

export const hostZerocopyStatus = document('vqtune host zerocopy status --json', {
  module: z.enum(MODULE_STATES).describe(MODULE),
  parameter: z.enum(PARAMETER_STATES).describe(PARAMETER),
  running: z.boolean().nullable().describe('null if the module is not loaded'),
  users: count.nullable().describe('open descriptors of vhost'),
  configured: z
    .object({ value: z.string(), source: z.string() })
    .nullable()
    .describe('from modprobe.d or the kernel command line'),
  drift: z.boolean().describe('the running setting changes at the next load of the module'),
  uplinks: z.array(z.object({ name: z.string(), scatterGather: z.boolean().nullable() })),
  conditions: z.array(condition),
})
