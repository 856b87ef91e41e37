import { z } from 'zod'
import { cpulist } from './cpulist'

export const vcpus = z.object({ online: cpulist, isolated: cpulist })
