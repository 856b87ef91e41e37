/**
 * vqtuned in a guest as its users run it: under the unit that is shipped, sandbox included, installed where the RPM puts
 * it. Nothing but configuration is added, and more time to start, which an emulated guest on a busy machine needs.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { DaemonView } from '../../../src/daemon/view'
import type { DriftRecord } from '../../../src/drift/history'
import type { Guest } from './guest'
import { PATIENCE_MS, waitUntil } from './wait'

const CONFIG = '/etc/vqtune/conf.d/50-test.toml'
const SHIPPED = {
  'vqtuned.service': '/usr/lib/systemd/system/vqtuned.service',
  'vqtune.tmpfiles.conf': '/usr/lib/tmpfiles.d/vqtune.conf',
  '90-vqtune.rules': '/usr/lib/udev/rules.d/90-vqtune.rules',
  'writer-trace': '/usr/libexec/vqtune/writer-trace',
}

const BOOT = {
  'vqtune-boot.service': '/usr/lib/systemd/system/vqtune-boot.service',
  'boot-gate': '/usr/libexec/vqtune/boot-gate',
}

/** The boot unit and what it starts; the bundle is where the unit expects it. */
export async function shipBoot(guest: Guest): Promise<void> {
  for (const [name, path] of Object.entries(BOOT)) await ship(guest, name, path)
  await guest.run(['ln', '-sf', '/usr/local/bin/vqtune', '/usr/bin/vqtune'])
}

/** Puts a file of `systemd/` where the package has it. */
export async function ship(guest: Guest, name: string, path: string): Promise<void> {
  const file = fileURLToPath(new URL(`../../../systemd/${name}`, import.meta.url))
  await guest.writeFile(path, readFileSync(file), path.startsWith('/usr/libexec/') ? '0755' : '0644')
}

export class Vqtuned {
  private constructor(private readonly guest: Guest) {}

  /** @param guest booted with the bundle */
  static async start(guest: Guest, config: string): Promise<Vqtuned> {
    for (const [name, path] of Object.entries(SHIPPED)) await ship(guest, name, path)
    await guest.writeFile(
      '/etc/systemd/system/vqtuned.service.d/50-emulated.conf',
      '[Service]\nTimeoutStartSec=infinity\nTimeoutStopSec=infinity\n',
    )
    await guest.shell(
      'ln -sf /usr/local/bin/vqtune /usr/bin/vqtune; systemd-tmpfiles --create vqtune.conf; systemctl daemon-reload; udevadm control --reload',
    )
    const daemon = new Vqtuned(guest)
    await daemon.startWith(config)
    return daemon
  }

  /** After it was stopped. */
  async startWith(config: string): Promise<void> {
    await this.guest.writeFile(CONFIG, config)
    await this.systemctl('start')
  }

  async systemctl(verb: 'start' | 'stop' | 'restart' | 'reload'): Promise<void> {
    await this.guest.run(['systemctl', verb, 'vqtuned'], { timeoutMs: 330_000 })
  }

  async property(name: string): Promise<string> {
    return (await this.guest.run(['systemctl', 'show', '-P', name, 'vqtuned'])).trim()
  }

  /** Replaces the configuration and reloads, whether or not it is valid. Returns when the daemon has told its verdict. */
  async configure(config: string): Promise<void> {
    const verdicts = async (): Promise<number> =>
      (await this.log()).match(/configuration (reloaded|reload failed)/g)?.length ?? 0
    const before = await verdicts()
    await this.guest.writeFile(CONFIG, config)
    await this.systemctl('reload')
    await waitUntil('the reload', PATIENCE_MS, async () => (await verdicts()) > before)
  }

  /** What it logged in this boot, one record a line. */
  log(): Promise<string> {
    return this.guest.journal(['-t', 'vqtune', '-o', 'cat'])
  }

  async logs(what: string, pattern: RegExp): Promise<void> {
    await waitUntil(what, PATIENCE_MS, async () => pattern.test(await this.log()))
  }

  /** The drift history as it is on the disk. */
  async history(): Promise<readonly DriftRecord[]> {
    const { stdout } = await this.guest.exec(['cat', '/var/lib/vqtune/drift.jsonl'])
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as DriftRecord)
  }

  /**
   * The first record of a kind that comes after so many. Returns when the pass that made it is over: settings are repaired,
   * and the view is the one after it.
   */
  async newRecord(known: number, kind: DriftRecord['kind']): Promise<DriftRecord> {
    let found: DriftRecord | undefined
    await waitUntil(`a drift record of kind ${kind}`, PATIENCE_MS, async () => {
      found ??= (await this.history()).slice(known).find((record) => record.kind === kind)
      const at = found?.at
      return at !== undefined && (await this.view()).recentDrift.some((record) => record.at >= at)
    })
    return found as DriftRecord
  }

  /** What `vqtune status` gets to know. */
  async view(): Promise<DaemonView> {
    return JSON.parse(await this.guest.readFile('/run/vqtune/status.json')) as DaemonView
  }

  /** Waits until every event source is up. */
  sourcesAreUp(): Promise<void> {
    return waitUntil('all event sources', PATIENCE_MS, async () =>
      (await this.view()).sources.every(({ state }) => state === 'up'),
    )
  }
}

/** The queues of one NIC, read and set from outside of vqtune. */
export class Nic {
  constructor(
    private readonly guest: Guest,
    readonly name: string,
  ) {}

  async channels(): Promise<number> {
    return Number(await this.guest.shell(`ls -d /sys/class/net/${this.name}/queues/tx-* 2>/dev/null | wc -l`))
  }

  async become(count: number): Promise<void> {
    await waitUntil(`${count} channels`, PATIENCE_MS, async () => (await this.channels()) === count)
  }

  async setChannels(count: number): Promise<void> {
    await this.guest.run(['ethtool', '-L', this.name, 'combined', String(count)])
  }

  /** Path of the affinity of a receive interrupt. */
  async affinityFile(queue: number): Promise<string> {
    const device = await this.guest.run(['readlink', '-f', `/sys/class/net/${this.name}/device`])
    const name = `${device.trim().split('/').at(-1)}-input.${queue}`
    const line = (await this.guest.readFile('/proc/interrupts'))
      .split('\n')
      .find((text) => text.endsWith(name))
    return `/proc/irq/${String(line).trim().split(':')[0]}/smp_affinity_list`
  }
}
