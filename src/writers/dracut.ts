/** dracut: hooks and modules, which run in the initramfs, and irqaffinity= of the kernel command line. */
import type { System } from '../system/system'
import { scriptFindings, scriptsIn } from './script-findings'
import { type KnownWriter, listAllowed, readableText, type Writer, type WriterTarget } from './writer'

function find(system: System, nic: WriterTarget): readonly Writer[] {
  const { dracutModuleDirs, dracutHookDirs } = system.paths.writers
  const directories = [...dracutModuleDirs, ...dracutHookDirs].flatMap((directory) => {
    const names = listAllowed(system, directory)
    return names === 'unreadable' ? [] : names.map((name) => `${directory}/${name}`)
  })
  return [
    ...commandLine(system, nic),
    ...directories.flatMap((directory) =>
      scriptsIn(system, directory)
        .filter((path) => path.endsWith('.sh'))
        .flatMap((path) => {
          const text = readableText(system, path)
          if (text === undefined) return []
          return scriptFindings(
            system,
            nic,
            { path, text },
            {
              writer: dracut.name,
              when: 'in the initramfs',
              remedy: ({ path: where, line }) => `remove line ${line} of ${where}, then run dracut --force`,
            },
          ).map((writer) => ({ ...writer, matches: 'maybe' as const }))
        }),
    ),
  ]
}

function commandLine(system: System, nic: WriterTarget): readonly Writer[] {
  const words = (readableText(system, system.paths.procCmdline) ?? '').trim().split(/\s+/)
  const word = words.findLast((one) => /^irqaffinity=./.test(one))
  if (word === undefined || nic.queues.length === 0) return []
  return [
    {
      writer: dracut.name,
      where: system.paths.procCmdline.slice(system.paths.root.length),
      what: `${word} keeps interrupts on these CPUs until something sets them`,
      tunable: 'irq-affinity',
      matches: 'maybe',
      remedy: 'grubby --update-kernel=ALL --remove-args=irqaffinity',
    },
  ]
}

export const dracut: KnownWriter = { name: 'dracut', title: 'dracut hooks and modules, `irqaffinity=`', find }
