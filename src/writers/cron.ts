/** cron: tables of the system and of users, cron.d, cron.hourly and the like, anacron; see crontab(5). */
import type { System } from '../system/system'
import { executableFindings, scriptFindings, scriptsIn } from './script-findings'
import { type KnownWriter, readableText, type Writer, type WriterTarget } from './writer'

interface Job {
  readonly line: number
  /** As it runs: `every minute` is not worked out, the fields are shown. */
  readonly when: string
  readonly command: string
  readonly bindings: ReadonlyMap<string, readonly string[]>
}

function find(system: System, nic: WriterTarget): readonly Writer[] {
  const { cronTables, cronTableDir, cronUserDirs, cronScriptDirs, anacrontab } = system.paths.writers
  const tables = [
    ...[...cronTables, ...scriptsIn(system, cronTableDir)].map((path) => ({ path, before: 1 })),
    // Only root's jobs can write these settings.
    ...cronUserDirs.map((directory) => ({ path: `${directory}/root`, before: 0 })),
    { path: anacrontab, before: -1 },
  ]
  return [
    ...tables.flatMap(({ path, before }) => {
      const text = readableText(system, path)
      if (text === undefined) return []
      const jobs = before === -1 ? anacronJobs(text) : cronJobs(text, before === 1)
      return jobs.flatMap((job) =>
        scriptFindings(
          system,
          nic,
          { path, line: job.line, text: job.command, bindings: job.bindings },
          {
            writer: cron.name,
            when: `by cron (${job.when})`,
            remedy: `remove line ${job.line} of ${path.slice(system.paths.root.length)}${before === 0 ? ' with crontab -e' : ''}`,
          },
        ),
      )
    }),
    ...cronScriptDirs.flatMap((directory) =>
      scriptsIn(system, directory).flatMap((path) => {
        // run-parts leaves out names with a dot on some systems; RHEL's runs them.
        const text = readableText(system, path)
        if (text === undefined) return []
        const when = `by cron (${directory.slice(directory.lastIndexOf('.') + 1)})`
        return executableFindings(system, nic, { path, text }, { writer: cron.name, when })
      }),
    ),
  ]
}

/** @param hasUser a column with the user follows the time; only root's jobs count */
export function cronJobs(text: string, hasUser: boolean): readonly Job[] {
  const jobs: Job[] = []
  const bindings = new Map<string, readonly string[]>()
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const assigned = /^([A-Za-z_]\w*)\s*=\s*(?:"([^"]*)"|'([^']*)'|(.*))$/.exec(line)
    if (assigned !== null) {
      bindings.set(assigned[1] as string, [(assigned[2] ?? assigned[3] ?? assigned[4]) as string])
      continue
    }
    const found = /^(@\w+|(?:\S+\s+){4}\S+)\s+(.*)$/.exec(line)
    if (found === null) continue
    const [, when = '', rest = ''] = found
    const [, user = '', command = ''] = hasUser ? (/^(\S+)\s+(.*)$/.exec(rest) ?? []) : ['', 'root', rest]
    if (user !== 'root' || command === '') continue
    // The rest of the line after % is standard input.
    jobs.push({
      line: index + 1,
      when: when.replace(/\s+/g, ' '),
      command: command.replace(/(?<!\\)%.*$/, '').replaceAll('\\%', '%'),
      bindings: new Map(bindings),
    })
  }
  return jobs
}

function anacronJobs(text: string): readonly Job[] {
  return text.split(/\r?\n/).flatMap((raw, index): Job[] => {
    const found = /^\s*(@?\w+)\s+\d+\s+\S+\s+(.*)$/.exec(raw)
    if (found === null) return []
    return [
      { line: index + 1, when: `anacron, ${found[1]}`, command: found[2] as string, bindings: new Map() },
    ]
  })
}

export const cron: KnownWriter = { name: 'cron', title: 'cron and anacron', find }
