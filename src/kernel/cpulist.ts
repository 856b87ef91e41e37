/** CPU lists ("0-3,8") and CPU masks ("ff", "00000001,ffffffff") as the kernel reads and writes them. */
import type { CpuList } from '../model'

/** Largest CPU number accepted, from CONFIG_NR_CPUS_RANGE_END of x86 (8192). Guards against absurd ranges. */
const MAX_CPU = 8191

/**
 * Parses the list format of Documentation/core-api/printk-formats ("%*pbl"). Empty text and "(null)" are empty lists.
 * @returns undefined when the text is not a CPU list.
 */
export function parseCpuList(text: string): CpuList | undefined {
  const body = text.trim()
  if (body === '' || body === '(null)') return []
  const cpus = new Set<number>()
  for (const part of body.split(',')) {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim())
    if (match === null) return undefined
    const first = Number(match[1])
    const last = match[2] === undefined ? first : Number(match[2])
    if (first > last || last > MAX_CPU) return undefined
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu)
  }
  return [...cpus].sort((a, b) => a - b)
}

/** The shortest list text, as the kernel prints it: ranges for two or more neighbours. */
export function formatCpuList(cpus: CpuList): string {
  const parts: string[] = []
  for (let i = 0; i < cpus.length; ) {
    const first = cpus[i] as number
    let last = first
    while (cpus[i + 1] === last + 1) {
      last++
      i++
    }
    parts.push(first === last ? `${first}` : `${first}-${last}`)
    i++
  }
  return parts.join(',')
}

/**
 * Parses a hexadecimal mask in 32-bit groups, most significant first ("%*pb").
 * @returns undefined when the text is not a mask.
 */
export function parseCpuMask(text: string): CpuList | undefined {
  const groups = text.trim().split(',')
  if (groups.length * 32 > MAX_CPU + 1) return undefined
  const cpus: number[] = []
  for (let g = groups.length - 1, base = 0; g >= 0; g--, base += 32) {
    const group = groups[g] as string
    if (!/^[0-9a-fA-F]{1,8}$/.test(group)) return undefined
    const bits = Number.parseInt(group, 16)
    if (bits === 0) continue
    for (let bit = 0; bit < 32; bit++) if ((bits >>> bit) & 1) cpus.push(base + bit)
  }
  return cpus
}

/** A mask that xps_cpus and rps_cpus accept: lower-case hexadecimal in 32-bit groups. */
export function formatCpuMask(cpus: CpuList): string {
  const groups = new Array<number>(Math.floor((cpus.at(-1) ?? 0) / 32) + 1).fill(0)
  for (const cpu of cpus) {
    const group = Math.floor(cpu / 32)
    groups[group] = ((groups[group] as number) | (1 << (cpu % 32))) >>> 0
  }
  return groups
    .reverse()
    .map((bits, i) => bits.toString(16).padStart(i === 0 ? 1 : 8, '0'))
    .join(',')
}

/** Both lists name the same CPUs. */
export function sameCpus(a: CpuList, b: CpuList): boolean {
  return a.length === b.length && a.every((cpu, i) => cpu === b[i])
}
