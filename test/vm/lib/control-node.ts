import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Guest } from './guest'
import { addresses } from './host-network'

export interface Play {
  readonly code: number
  /** Of tasks in the guest. */
  readonly changed: number
  readonly failed: number
  readonly text: string
}

const COLLECTION = fileURLToPath(new URL('../../../packaging/fleet/ansible', import.meta.url))

/**
 * The machine from which guests are managed: ssh and Ansible in the network namespace of the guest's NICs. NIC 0 of the
 * guest must have its address.
 */
export class ControlNode {
  private constructor(
    private readonly guest: Guest,
    readonly directory: string,
  ) {}

  static async create(guest: Guest): Promise<ControlNode> {
    const directory = mkdtempSync(join(tmpdir(), 'vqtune-control-'))
    const node = new ControlNode(guest, directory)
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', node.key])
    await guest.writeFile('/root/.ssh/authorized_keys', readFileSync(`${node.key}.pub`), '0600')
    await guest.run(['systemctl', 'start', 'ssh'])
    writeFileSync(
      node.file('ansible.cfg'),
      `[defaults]
collections_path = ${directory}/collections
local_tmp = ${directory}/tmp
nocows = true
[ssh_connection]
pipelining = true
control_path_dir = ${directory}
ssh_args = ${node.sshOptions.join(' ')} -o ControlMaster=auto -o ControlPersist=300
`,
    )
    // Where Ansible looks for one.
    mkdirSync(node.file('collections/ansible_collections/vqtune'), { recursive: true })
    symlinkSync(COLLECTION, node.file('collections/ansible_collections/vqtune/guest'))
    // Twice the same guest: a rollout goes from the first to the second.
    const login = `ansible_host=${addresses(0).guest} ansible_user=root ansible_ssh_private_key_file=${node.key} ansible_python_interpreter=/usr/bin/python3`
    writeFileSync(node.file('inventory.ini'), `[vqtune_guests]\nguest ${login}\nlater ${login}\n`)
    writeFileSync(
      node.file('play.yml'),
      '- hosts: guest\n  gather_facts: false\n  roles:\n    - role: vqtune.guest.vqtune\n',
    )
    return node
  }

  /** Runs the role vqtune in the guest with these variables. */
  async play(variables: Readonly<Record<string, unknown>>, ...options: readonly string[]): Promise<Play> {
    return this.run(variables, ...options, this.file('play.yml'))
  }

  /** The playbook of the collection: first `guest`, then `later`, which is the same guest. */
  async rollout(variables: Readonly<Record<string, unknown>>): Promise<Play> {
    return this.run({ vqtune_waves: [1, 1], ...variables }, 'vqtune.guest.rollout')
  }

  private async run(variables: Readonly<Record<string, unknown>>, ...args: readonly string[]): Promise<Play> {
    writeFileSync(this.file('vars.json'), JSON.stringify(variables))
    const ansible = ['ansible-playbook', '-i', this.file('inventory.ini'), '-e', `@${this.file('vars.json')}`]
    const { code, stdout, stderr } = await this.guest.network.exec(
      ['env', `ANSIBLE_CONFIG=${this.file('ansible.cfg')}`, ...ansible, ...args],
      540_000,
    )
    const recap = /^guest +: .*changed=(\d+) .*failed=(\d+)/m.exec(stdout)
    if (recap === null) throw new Error(`ansible-playbook: ${code}\n${stdout}${stderr}`)
    return { code, changed: Number(recap[1]), failed: Number(recap[2]), text: stdout + stderr }
  }

  /** The command that forwards local sockets to the guest until it is ended: `port:socket` or `port:host:port`. */
  tunnel(...forwards: readonly string[]): readonly string[] {
    const locals = forwards.flatMap((forward) => ['-L', `127.0.0.1:${forward}`])
    return ['ssh', '-N', '-i', this.key, ...this.sshOptions, ...locals, `root@${addresses(0).guest}`]
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }

  private file(name: string): string {
    return join(this.directory, name)
  }

  private get key(): string {
    return this.file('key')
  }

  private readonly sshOptions = [
    '-o StrictHostKeyChecking=no',
    '-o UserKnownHostsFile=/dev/null',
    '-o LogLevel=ERROR',
  ]
    .join(' ')
    .split(' ')
}
