/** What a running irqbalance was told at its start: arguments and environment. Pure, but for the reads. */
import { readArguments } from '../kernel/processes'
import type { System } from '../system/system'

export interface IrqbalanceOptions {
  /** --banirq: not moved, as long as they have these numbers. */
  readonly bannedIrqs: ReadonlySet<number>
  /** --banmod: interrupts of devices whose driver has this in its name are not moved. */
  readonly bannedModules: readonly string[]
  /** --policyscript: a program, or a directory of programs, that decides for each interrupt. */
  readonly policyScript: string | undefined
  /** IRQBALANCE_BANNED_CPULIST, or the mask of IRQBALANCE_BANNED_CPUS, as written; undefined: none, or not readable. */
  readonly bannedCpus: string | undefined
}

export function readOptions(system: System, pid: number): IrqbalanceOptions {
  return parseOptions(readArguments(system, pid), readEnvironment(system, pid))
}

/** The long form with `=` or a separate value, and the short form. @param args with the program's own name */
export function parseOptions(args: readonly string[], environment = ''): IrqbalanceOptions {
  const irqs = valuesOf(args, 'banirq', 'i').filter((value) => /^\d+$/.test(value))
  const variable = (name: string): string | undefined =>
    environment
      .split('\0')
      .find((entry) => entry.startsWith(`${name}=`))
      ?.slice(name.length + 1)
  const cpus = [variable('IRQBALANCE_BANNED_CPULIST'), variable('IRQBALANCE_BANNED_CPUS')]
  return {
    bannedIrqs: new Set(irqs.map(Number)),
    bannedModules: valuesOf(args, 'banmod', 'm').filter((value) => value !== ''),
    policyScript: valuesOf(args, 'policyscript', 'l').findLast((value) => value !== ''),
    bannedCpus: cpus.find((value) => value !== undefined && value !== '' && !/^[0,]*$/.test(value)),
  }
}

function valuesOf(args: readonly string[], long: string, short: string): readonly string[] {
  return args.flatMap((arg, position): string[] => {
    if (arg.startsWith(`--${long}=`)) return [arg.slice(long.length + 3)]
    if (arg === `--${long}` || arg === `-${short}`) {
      const next = args[position + 1]
      return next === undefined ? [] : [next]
    }
    return arg.startsWith(`-${short}`) ? [arg.slice(2)] : []
  })
}

/** Root's alone. */
function readEnvironment(system: System, pid: number): string {
  try {
    return system.readText(`${system.paths.proc}/${pid}/environ`) ?? ''
  } catch {
    return ''
  }
}
