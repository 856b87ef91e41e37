/** `--verbose` and VQTUNE_DEBUG: one line for each program that was run and each write. Loaded only when they ask for it. */
import { errnoOf, messageOf, VqtuneError } from '../errors'
import { escapeToOneLine, shellQuote } from '../text/escape'
import { type Ended, type System, type Trace, type TracedWrite, tracedWrite } from './system'

/** Takes a line without its end. */
type Print = (line: string) => void

/** A system that does what the given one does, and tells of it: `run ethtool -L eth0 combined 4: exit 0, 12 ms`. */
export function traced(system: System, print: Print): System {
  const trace = new LineTrace(print)
  const telling: Pick<
    System,
    'trace' | 'writeAttribute' | 'replaceFile' | 'removeFile' | 'touchFile' | 'run'
  > = {
    trace,
    writeAttribute(path, value) {
      tracedWrite({ trace }, 'write', path, value, () => system.writeAttribute(path, value))
    },
    replaceFile(path, text, options) {
      tracedWrite({ trace }, 'replace', path, text, () => system.replaceFile(path, text, options))
    },
    removeFile(path) {
      tracedWrite({ trace }, 'remove', path, undefined, () => system.removeFile(path))
    },
    touchFile(path) {
      const ended = trace.write('touch', path)
      try {
        const found = system.touchFile(path)
        ended(found ? 'ok' : 'ENOENT')
        return found
      } catch (error) {
        ended(error)
        throw error
      }
    },
    async run(tool, args, options) {
      // Not the environment: its values are nobody's business.
      const ended = trace.run([tool, ...args])
      try {
        const result = await system.run(tool, args, options)
        ended(result.code)
        return result
      } catch (error) {
        ended(error)
        throw error
      }
    },
  }
  return Object.assign(Object.create(system) as System, telling)
}

class LineTrace implements Trace {
  constructor(private print: Print) {}

  redirect(print: Print): void {
    this.print = print
  }

  run(argv: readonly string[]): Ended {
    return this.begin(`run ${commandLine(argv)}`)
  }

  start(argv: readonly string[], pid: number | undefined): Ended {
    const command = commandLine(argv)
    if (pid !== undefined) this.say(`start ${command}: PID ${pid}`)
    return this.begin(`end ${command}`)
  }

  write(verb: TracedWrite, path: string, text?: string): Ended {
    return this.begin(`${verb} ${path}${shown(verb, text)}`)
  }

  private begin(what: string): Ended {
    const startMs = performance.now()
    return (how) => this.say(`${what}: ${outcome(how)}, ${Math.round(performance.now() - startMs)} ms`)
  }

  private say(line: string): void {
    try {
      this.print(escapeToOneLine(line))
    } catch {
      // Nothing that is only looked at may fail because nobody can look.
    }
  }
}

function commandLine(argv: readonly string[]): string {
  return argv.map(shellQuote).join(' ')
}

/** What is written to the kernel is one short value; files hold more than a line, and sometimes what is not for logs. */
function shown(verb: TracedWrite, text: string | undefined): string {
  if (text === undefined) return ''
  return verb === 'write' ? ` ${JSON.stringify(text)}` : `, ${Buffer.byteLength(text)} bytes`
}

function outcome(how: unknown): string {
  if (typeof how === 'number') return `exit ${how}`
  if (typeof how === 'string') return how
  const cause = how instanceof VqtuneError ? how.cause : how
  return errnoOf(cause) ?? (how instanceof VqtuneError ? how.kind : messageOf(how))
}

/** `12:31:05.123`, local time: what somebody who watches compares with. */
export function timeStamp(at: Date): string {
  return `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')}`
}
