import { z } from 'zod'

/** A count. */
export const count = z.int().min(0)

/** A count of at least one, such as channels or vCPUs. */
export const positive = z.int().min(1)
