/** The edge to libvirt: virsh, one call for each question. */
import { randomBytes } from 'node:crypto'
import { VqtuneError } from '../../errors'
import type { System } from '../../system/system'
import { type DomainRef, parseDomainList, parseInfo, virshError } from './virsh-output'

export const DEFAULT_URI = 'qemu:///system'

const TIMEOUT_MS = 30_000
/** One question about one guest: longer takes only a libvirt that hangs. */
const QUESTION_TIMEOUT_MS = 10_000
/** Questions in one virsh: each answer is some 10 KiB of XML. */
const BATCH = 40
/** Questions without an answer in time after which the rest is not asked. */
const MAX_TIMEOUTS = 2
const UUID_LENGTH = 36
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** An answer, or why there is none. */
export type Answer = string | VqtuneError

/** virsh for one libvirt URI. Reads use the read-only connection, so that they need no privileges. */
export class Virsh {
  /** False once a virsh did not take several commands at once. */
  private batches = true
  private timeouts = 0

  constructor(
    private readonly system: System,
    readonly uri: string = DEFAULT_URI,
  ) {}

  /** All guests, running or not, by name. */
  async domains(): Promise<readonly DomainRef[]> {
    return parseDomainList(await this.read(['list', '--all', '--uuid', '--name']))
  }

  /** @param name name or UUID. @throws VqtuneError kind usage when libvirt does not know it. */
  async domain(name: string): Promise<DomainRef> {
    const domains = await this.domains()
    const found = domains.find((domain) => domain.name === name || domain.uuid === name.toLowerCase())
    if (found !== undefined) return found
    const known = domains.map((domain) => domain.name).join(', ') || 'none'
    throw new VqtuneError('usage', `${name}: no such guest in ${this.uri}; there are: ${known}`)
  }

  /** UUIDs of the guests that have a stored configuration. */
  async persistent(): Promise<ReadonlySet<string>> {
    const text = await this.read(['list', '--all', '--uuid', '--persistent'])
    return new Set(text.split('\n').map((line) => line.trim().slice(0, UUID_LENGTH)))
  }

  /** The XML of the running guest, or of the stopped one. */
  liveXml(domain: DomainRef): Promise<string> {
    return this.read(['dumpxml', domain.uuid])
  }

  /** What the next start will use; passwords left out. */
  inactiveXml(domain: DomainRef): Promise<string> {
    return this.read(['dumpxml', domain.uuid, '--inactive'])
  }

  /** The same with passwords, complete enough to define the guest again. */
  inactiveXmlForEdit(domain: DomainRef): Promise<string> {
    return this.write(['dumpxml', domain.uuid, '--inactive', '--security-info'])
  }

  /** Key and value lines of `virsh dominfo`. */
  async info(domain: DomainRef): Promise<ReadonlyMap<string, string>> {
    return parseInfo(await this.read(['dominfo', domain.uuid]))
  }

  /**
   * Validates and defines a guest from a file, and reads it back over the same connection.
   * @returns the XML as libvirt now has it.
   */
  async define(domain: DomainRef, file: string): Promise<string> {
    if (!/^[\w./-]+$/.test(file) || !UUID.test(domain.uuid)) {
      throw new VqtuneError('tool-failed', `${file}: not usable in a virsh command line`)
    }
    // One process for both: the test driver forgets everything with its client.
    return this.write([`define --validate --file ${file}; dumpxml ${domain.uuid} --inactive --security-info`])
  }

  /**
   * Answers to several reading commands, in their order: many in one virsh, because to start one and to connect takes longer
   * than to answer. What failed is asked once more alone, for the words of the error. When libvirt hangs, the rest is not asked.
   * @param onProgress told how many have been answered. @throws VqtuneError when there is no connection.
   */
  async ask(
    commands: readonly (readonly string[])[],
    onProgress: (done: number) => void = () => undefined,
  ): Promise<readonly Answer[]> {
    const answers: Answer[] = []
    for (let at = 0; at < commands.length; at += BATCH) {
      const part = commands.slice(at, at + BATCH)
      const hangs = this.timeouts >= MAX_TIMEOUTS
      const together = this.batches && !hangs && part.length > 1 ? await this.batch(part) : []
      for (const [i, command] of part.entries()) {
        const text = together[i]
        if (text !== undefined) answers.push(text)
        else if (this.timeouts >= MAX_TIMEOUTS) answers.push(notAsked(this.uri))
        else {
          const answer = await this.single(command)
          if (typeof answer !== 'string' && answer.kind === 'timeout') this.timeouts++
          answers.push(answer)
        }
      }
      onProgress(answers.length)
    }
    return answers
  }

  private single(command: readonly string[]): Promise<Answer> {
    return this.run(['-r', ...command], QUESTION_TIMEOUT_MS).catch((error: unknown) => {
      if (error instanceof VqtuneError && error.kind !== 'tool-missing') return error
      throw error
    })
  }

  /** undefined for each that failed; no answer at all when this virsh takes one command only, or hangs. */
  private async batch(commands: readonly (readonly string[])[]): Promise<readonly (string | undefined)[]> {
    // Not to be guessed: a guest's description may hold any text.
    const mark = `answer-${randomBytes(8).toString('hex')}:`
    const script = commands.map((words) => `echo ${mark}; ${words.map(batchWord).join(' ')}`).join('; ')
    let stdout: string
    try {
      ;({ stdout } = await this.system.run('virsh', ['-r', '-q', '-c', this.uri, script], {
        timeoutMs: TIMEOUT_MS,
      }))
    } catch (error) {
      if (error instanceof VqtuneError && error.kind === 'timeout') return []
      return explainMissing(error)
    }
    // Whether echo ends its line depends on -q.
    const parts = stdout.split(new RegExp(`${mark}\\n?`)).slice(1)
    if (parts.length !== commands.length) {
      this.batches = false
      return []
    }
    return parts.map((part) => (part.trim() === '' ? undefined : part))
  }

  private read(args: readonly string[]): Promise<string> {
    return this.run(['-r', ...args])
  }

  private write(args: readonly string[]): Promise<string> {
    return this.run(args)
  }

  private async run(args: readonly string[], timeoutMs = TIMEOUT_MS): Promise<string> {
    const result = await this.system
      .run('virsh', ['-q', '-c', this.uri, ...args], { timeoutMs, atTerminal: true })
      .catch((error: unknown) => this.explain(error, timeoutMs))
    // Of several commands virsh runs all and returns the code of the last one: the first may have failed.
    if (result.code !== 0 || /^error: /m.test(result.stderr)) throw virshError(this.uri, result)
    return result.stdout
  }

  private explain(error: unknown, timeoutMs: number): never {
    if (error instanceof VqtuneError && error.kind === 'timeout') {
      throw new VqtuneError(
        'timeout',
        `virsh ${this.uri}: libvirt did not answer within ${timeoutMs / 1000} s; is its daemon stuck, or a guest's job?`,
        { cause: error },
      )
    }
    return explainMissing(error)
  }
}

/** Words of a batch are not quoted: virsh would split them, and more than that. */
function batchWord(word: string): string {
  if (/^[\w./-]+$/.test(word)) return word
  throw new VqtuneError('tool-failed', `${word}: not usable in a virsh command line`)
}

function notAsked(uri: string): VqtuneError {
  return new VqtuneError('timeout', `virsh ${uri}: not asked, because libvirt did not answer before`)
}

function explainMissing(error: unknown): never {
  if (error instanceof VqtuneError && error.kind === 'tool-missing') {
    throw new VqtuneError(
      'tool-missing',
      `${error.message}; vqtune host needs libvirt's client (package libvirt-client or libvirt-clients)`,
      { cause: error },
    )
  }
  throw error
}
