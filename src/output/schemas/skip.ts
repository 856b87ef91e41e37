import { z } from 'zod'
import { SKIP_CODES } from '../../model'
import { TUNABLE_NAMES } from '../../tunables/index'

export const skip = z
  .object({
    nic: z.string(),
    tunable: z.enum(TUNABLE_NAMES).nullable(),
    code: z.enum(SKIP_CODES),
    why: z.string(),
  })
  .meta({
    id: 'skip',
    description: 'something that is not tuned, with the reason; tunable null: the whole NIC',
  })
