/** Programs of vendors that write these settings, by the name of their file. What they do is known from their makers. */
import type { TunableName } from '../../model'

export interface Helper {
  readonly name: RegExp
  readonly writes: readonly TunableName[]
  /** It takes names of NICs; others mean every NIC. */
  readonly takesNames: boolean
}

export const HELPERS: readonly Helper[] = [
  // Mellanox (mlnx-tools) and Intel (scripts/ of the drivers): set_irq_affinity.sh, _bynode.sh, _cpulist.sh ...
  { name: /^set_irq_affinity(?:_\w+)?(?:\.sh)?$/, writes: ['irq-affinity'], takesNames: true },
  {
    name: /^(?:set_)?xps_rps(?:_\w+)?(?:\.sh)?$|^set_xps_rps[\w.]*$/,
    writes: ['xps', 'rps'],
    takesNames: true,
  },
  { name: /^mlnx_affinity$|^mlnx_tune$/, writes: ['irq-affinity'], takesNames: false },
  { name: /^google_(?:set|hpc)_multiqueue$/, writes: ['channels', 'irq-affinity', 'xps'], takesNames: false },
  {
    name: /^ecs_mq_rps_rfs(?:\.sh)?$/,
    writes: ['channels', 'irq-affinity', 'rps', 'rfs'],
    takesNames: false,
  },
  { name: /^multi-queue-hw(?:\.sh)?$/, writes: ['channels', 'irq-affinity', 'xps'], takesNames: false },
  { name: /^net_smp_affinity(?:\.sh)?$/, writes: ['irq-affinity'], takesNames: false },
  {
    name: /^perftune(?:\.py)?$|^scylla_prepare$/,
    writes: ['irq-affinity', 'xps', 'rps', 'rfs'],
    takesNames: false,
  },
]

export function helperOf(program: string): Helper | undefined {
  const name = program.slice(program.lastIndexOf('/') + 1)
  return HELPERS.find((helper) => helper.name.test(name))
}
