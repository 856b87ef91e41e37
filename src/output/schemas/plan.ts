import { z } from 'zod'
import { NIC_STATES } from '../../planner/describe'
import { channels } from './channels'
import { document } from './document'
import { skip } from './skip'
import { step } from './step'
import { vcpus } from './vcpus'

export const plan = document('vqtune plan --json', {
  vcpus,
  nics: z.array(
    z.object({
      name: z.string(),
      state: z.enum(NIC_STATES),
      channels,
      steps: z.array(step),
      skips: z.array(skip),
    }),
  ),
})
