import { z } from 'zod'

/** How many of something. */
export const count = z.int().min(0)

/** The least number of channels, of vCPUs: one. */
export const positive = z.int().min(1)
