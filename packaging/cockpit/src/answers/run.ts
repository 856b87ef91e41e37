/** Runs vqtune, and nothing else. */
import { type Answer, Failure, readAnswer, type SchemaName } from './answer'

/** none: as the user; try: as root if administrative access is on; require: as root, or not at all. */
export type Privileges = 'none' | 'try' | 'require'

export interface Running<T> {
  readonly result: Promise<T>
  /** Ends it with SIGTERM. */
  readonly stop: () => void
}

/**
 * Runs one command and reads what it says.
 * @param onLine gets lines of progress, each one JSON document on one line
 */
export function start<Name extends SchemaName>(
  name: Name,
  args: readonly string[],
  privileges: Privileges = 'none',
  onLine: (line: string) => void = () => {},
): Running<Answer<Name>> {
  const process = cockpit.spawn(['vqtune', ...args], {
    ...(privileges === 'none' ? {} : { superuser: privileges }),
    err: 'message',
    environ: ['LC_ALL=C'],
  })
  const lines = new ProgressLines(onLine)
  // Cockpit's own promises report what a callback throws, also where it is handled further on.
  const ended = new Promise<void>((resolve, reject) => {
    process.stream((text) => lines.take(text)).then(() => resolve(), reject)
  })
  const result = ended.then(
    () => readAnswer(name, lines.rest()),
    (failure: CockpitFailure) => {
      // A command that found something wrong exits with another status, and still says what it found.
      if (lines.rest().startsWith('{')) return readAnswer(name, lines.rest())
      throw new Failure(sentenceOf(failure))
    },
  )
  return { result, stop: () => process.close('terminated') }
}

/** An operand that begins with a dash is not an option. */
export function operands(...texts: readonly string[]): readonly string[] {
  return texts.some((text) => text.startsWith('-')) ? ['--', ...texts] : texts
}

/** The last document is printed over many lines; a line that is a document by itself is progress. */
class ProgressLines {
  private text = ''

  constructor(private readonly onLine: (line: string) => void) {}

  take(more: string): void {
    this.text += more
    for (let end = this.text.indexOf('\n'); end !== -1; end = this.text.indexOf('\n')) {
      const line = this.text.slice(0, end)
      if (!line.startsWith('{"')) return
      this.onLine(line)
      this.text = this.text.slice(end + 1)
    }
  }

  rest(): string {
    return this.text
  }
}

function sentenceOf({ problem, message }: CockpitFailure): string {
  if (problem === 'not-found') return 'vqtune is not installed here. Install the package vqtune.'
  if (problem === 'access-denied') {
    return 'This needs administrative access. Turn it on at the top of the window, and repeat.'
  }
  if (problem === 'terminated' || problem === 'cancelled') return 'Stopped.'
  const text = (message ?? '').trim().replace(/^vqtune: /, '')
  return text === '' ? 'vqtune ended without an answer.' : text
}
