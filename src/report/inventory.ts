/** What machine this is. systeminformation is loaded here only, and asked once: some of its calls fork a lot. */

export interface Inventory {
  /** `QEMU Standard PC (Q35 + ICH9, 2009)` */
  readonly machine: string
  /** `AMD EPYC 7B12, 4 vCPUs` */
  readonly cpu: string
}

/** It must not hold up the report. A loaded guest takes seconds for it. */
const LIMIT_MS = 10_000

/** @returns undefined when it cannot be told in time */
export async function readInventory(): Promise<Inventory | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, LIMIT_MS, undefined)
  })
  const asked = (async (): Promise<Inventory> => {
    const si = await import('systeminformation')
    const [system, cpu] = await Promise.all([si.system(), si.cpu()])
    const join = (...parts: string[]): string => parts.filter((part) => part !== '').join(' ') || 'unknown'
    return {
      machine: join(system.manufacturer, system.model),
      cpu: `${join(cpu.manufacturer, cpu.brand)}, ${cpu.cores} vCPUs`,
    }
  })()
  try {
    return await Promise.race([asked, late])
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}
