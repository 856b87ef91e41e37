/** The edge to libvirt: virsh, one call for each question. */
import { VqtuneError } from '../../errors'
import type { System } from '../../system/system'
import { type DomainRef, parseDomainList, parseInfo, virshError } from './virsh-output'

export const DEFAULT_URI = 'qemu:///system'

const TIMEOUT_MS = 30_000
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** virsh for one libvirt URI. Reads use the read-only connection, so that they need no privileges. */
export class Virsh {
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

  private read(args: readonly string[]): Promise<string> {
    return this.run(['-r', ...args])
  }

  private write(args: readonly string[]): Promise<string> {
    return this.run(args)
  }

  private async run(args: readonly string[]): Promise<string> {
    const result = await this.system
      .run('virsh', ['-q', '-c', this.uri, ...args], { timeoutMs: TIMEOUT_MS, atTerminal: true })
      .catch(explainMissing)
    // Of several commands virsh runs all and returns the code of the last one: the first may have failed.
    if (result.code !== 0 || /^error: /m.test(result.stderr)) throw virshError(this.uri, result)
    return result.stdout
  }
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
