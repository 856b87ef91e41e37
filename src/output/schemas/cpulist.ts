import { z } from 'zod'

export const cpulist = z
  .string()
  .regex(/^([0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)?$/)
  .meta({ id: 'cpulist', description: 'CPU list as the kernel prints it, such as 0-3,8; empty for none' })
