import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bundlesBeside } from '../../support/bundle'
import { type EndOfPatience, type ExecOptions, type ExecResult, GuestAgent } from './guest-agent'
import { addresses, HostNetwork } from './host-network'
import {
  cockpitGuestImage,
  guestImage,
  hardenedGuestImage,
  type Image,
  nodeDisk,
  selinuxGuestImage,
} from './image'
import { NoAnswerError } from './json-socket'
import { progress } from './locks'
import { logTail } from './log-tail'
import { type BootOptions, macOf, type NicOptions, nicDevice, qemuArgs } from './qemu-args'
import { Qmp } from './qmp'
import {
  addYardstick,
  Limit,
  PATIENCE_MS,
  removeYardstick,
  scaled,
  took,
  waitUntil,
  type Yardstick,
} from './wait'

export type { BootOptions, ExecOptions, ExecResult, NicOptions }

const runPrefix = 'vqtune-test-guest-'

/** Twenty programs one after the other: most of what a test asks for is to start programs. */
const YARDSTICK = [
  'sh',
  '-c',
  'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do /bin/true; done',
]
const YARDSTICK_MS = 650
/** Of most guests; what takes longer for other reasons only gets longer limits. */
const BOOT_MS = 25_000

/**
 * A running guest. Holds: a QEMU process that dies with this one, a network namespace with its taps, a run directory.
 * dispose() removes all three and may be called at any time, more than once.
 */
export class Guest {
  private readonly nics: NicOptions[]
  private disposed = false
  private readonly yardstick: Yardstick = {
    referenceMs: YARDSTICK_MS,
    work: () => {
      const end = performance.now() + 100 * YARDSTICK_MS
      return this.agent.execWithin({ isOver: async () => performance.now() > end }, YARDSTICK)
    },
  }

  private constructor(
    private readonly options: BootOptions,
    private readonly qemu: ChildProcess,
    /** The host's end of the NICs. */
    readonly network: HostNetwork,
    readonly runDirectory: string,
    readonly qmp: Qmp,
    private readonly agent: GuestAgent,
  ) {
    this.nics = [...options.nics]
  }

  /** Boots and returns when the guest's systemd has finished starting. */
  static async boot(options: BootOptions): Promise<Guest> {
    const image = await imageFor(options)
    const disk = options.node || options.vqtune ? await nodeDisk() : undefined
    const undo: (() => void)[] = []
    const onExit = (): void => {
      for (const step of undo.reverse()) step()
    }
    process.once('exit', onExit)
    try {
      removeStaleRunDirectories()
      const runDirectory = mkdtempSync(join(tmpdir(), `${runPrefix}${process.pid}-`))
      undo.push(() => rmSync(runDirectory, { recursive: true, force: true }))
      const network = await HostNetwork.create()
      undo.push(() => network.remove())
      for (const [index, nic] of options.nics.entries()) await network.addTap(index, nic.queues)

      const [file, args] = network.wrap([
        `qemu-system-${options.arch ?? 'x86_64'}`,
        ...qemuArgs(options, { image, nodeDisk: disk, runDirectory }),
      ])
      // TMPDIR: the overlay of snapshot=on; QEMU unlinks it at once.
      const qemu = spawn(file, args, {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, TMPDIR: process.env.TMPDIR ?? '/var/tmp' },
      })
      let complaints = ''
      qemu.stderr.on('data', (data: Buffer) => {
        complaints += data
      })
      undo.push(() => qemu.kill('SIGKILL'))
      const died = new Promise<never>((_, reject) =>
        qemu.once('exit', (code) => reject(new Error(`QEMU ended (${code}) while booting: ${complaints}`))),
      )
      died.catch(() => {})
      const limit = new Limit(options.bootTimeoutMs ?? 180_000)
      const startedMs = performance.now()
      try {
        const connected = (async () => {
          const qmp = await Qmp.open(join(runDirectory, 'qmp.sock'), 20_000)
          const agent = await GuestAgent.open(join(runDirectory, 'agent.sock'), 20_000)
          const guest = new Guest(options, qemu, network, runDirectory, qmp, agent)
          await guest.booted(limit)
          return guest
        })()
        const guest = await Promise.race([connected, died])
        const bootMs = performance.now() - startedMs
        took(bootMs, BOOT_MS)
        await addYardstick(guest.yardstick)
        progress(
          `guest up in ${(bootMs / 1000).toFixed(1)} s (${options.kernel}, ${options.cpus} vCPUs); limits times ${scaled(1).toFixed(1)}`,
        )
        process.off('exit', onExit)
        process.once('exit', guest.onProcessExit)
        if (options.vqtune) await guest.installVqtune(options.vqtune)
        return guest
      } catch (error) {
        throw new Error(
          `guest did not boot: ${(error as Error).message}\n${logTail(join(runDirectory, 'console.log'))}`,
          {
            cause: error,
          },
        )
      }
    } catch (error) {
      process.off('exit', onExit)
      onExit()
      throw error
    }
  }

  private readonly onProcessExit = (): void => this.release()

  private async booted(limit: EndOfPatience): Promise<void> {
    await this.agent.ready(limit)
    // Also waits for "degraded": which units failed is for the test to judge.
    await this.agent.execWithin(limit, ['systemctl', 'is-system-running', '--wait'])
    // systemd does not wait for udev to have loaded virtio_net and named the interfaces.
    await this.agent.execWithin(limit, ['udevadm', 'settle', '--timeout=3600'])
  }

  async exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult> {
    try {
      return await this.agent.exec(argv, options)
    } catch (error) {
      if (error instanceof NoAnswerError) error.message += `\n${await this.whereItIs()}`
      throw error
    }
  }

  /** For a guest that no longer answers: what its kernel said last, and where each vCPU is, twice in two seconds. */
  private async whereItIs(): Promise<string> {
    const registers = async (): Promise<string> => {
      const text = await this.qmp.run('human-monitor-command', { 'command-line': 'info registers -a' })
      return (String(text).match(/^(CPU#.*|RIP=.*| *PC=.*)$/gm) ?? []).join('\n')
    }
    try {
      const first = await registers()
      await sleep(2000)
      return [first, await registers(), logTail(join(this.runDirectory, 'console.log'))].join('\n')
    } catch (error) {
      return `${(error as Error).message}\n${logTail(join(this.runDirectory, 'console.log'))}`
    }
  }

  /** stdout of a command that must succeed. */
  async run(argv: readonly string[], options?: ExecOptions): Promise<string> {
    const { code, stdout, stderr } = await this.exec(argv, options)
    if (code !== 0) throw new Error(`guest: ${argv.join(' ')}: exit ${code}\n${stdout}${stderr}`)
    return stdout
  }

  /** A script, where a test needs several commands in one round trip. */
  shell(script: string, options?: ExecOptions): Promise<string> {
    return this.run(['sh', '-euc', script], options)
  }

  /** Starts a command and returns its pid in the guest; nothing waits for it. */
  async spawn(argv: readonly string[]): Promise<number> {
    const [path, ...arg] = argv
    return ((await this.agent.run('guest-exec', { path, arg })) as { pid: number }).pid
  }

  /** Content without trailing white space. */
  async readFile(path: string): Promise<string> {
    return (await this.run(['cat', path])).trimEnd()
  }

  /** Missing parent directories are made, except that sysfs and procfs files are just written. */
  async writeFile(path: string, content: string | Buffer, mode?: string): Promise<void> {
    if (!/^\/(sys|proc)\//.test(path)) await this.run(['mkdir', '-p', dirname(path)])
    const { code, stderr } = await this.exec(['dd', 'bs=1M', 'status=none', `of=${path}`], { input: content })
    if (code !== 0) throw new Error(`guest: write ${path}: ${stderr.trim()}`)
    if (mode) await this.run(['chmod', mode, path])
  }

  /** Copies what is below a host directory into a guest directory. Tens of MB are fine. */
  async pushDir(hostDirectory: string, guestDirectory: string): Promise<void> {
    await this.run(['mkdir', '-p', guestDirectory])
    // -B: the port gives what it has, tar wants whole records.
    const unpacked = this.exec(
      ['tar', '-x', '-B', '-C', guestDirectory, '-f', '/dev/virtio-ports/vqtune.push'],
      {
        timeoutMs: 180_000,
      },
    )
    const tar = spawn('tar', ['-c', '--owner=0', '--group=0', '-C', hostDirectory, '.'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const socket = connect(join(this.runDirectory, 'push.sock'))
    tar.stdout.pipe(socket, { end: false })
    const { code, stderr } = await unpacked
    socket.destroy()
    if (code !== 0) throw new Error(`guest: push to ${guestDirectory}: ${stderr}`)
  }

  /** Copies named things below a guest directory into a host directory, symbolic links as they are. */
  async pullDir(guestDirectory: string, hostDirectory: string): Promise<void> {
    mkdirSync(hostDirectory, { recursive: true })
    const socket = connect(join(this.runDirectory, 'push.sock'))
    const tar = spawn('tar', ['-x', '-B', '--no-same-owner', '-C', hostDirectory], {
      stdio: ['pipe', 'inherit', 'inherit'],
    })
    // tar ends at the end-of-archive blocks; what is still written then is padding.
    tar.stdin.on('error', () => {})
    socket.pipe(tar.stdin)
    const unpacked = new Promise<number | null>((resolve) => tar.once('exit', resolve))
    await this.run(['tar', '-c', '-C', guestDirectory, '-f', '/dev/virtio-ports/vqtune.push', '.'], {
      timeoutMs: 180_000,
    })
    const code = await Promise.race([unpacked, sleep(scaled(20_000), -1)])
    tar.kill()
    socket.destroy()
    if (code !== 0) throw new Error(`guest: pull of ${guestDirectory}: tar ${code}`)
  }

  /** The bundle, and the others beside it, as `vqtune` in the guest; it stays over reboots. */
  async installVqtune(bundle: string): Promise<void> {
    for (const file of bundlesBeside(bundle)) {
      await this.writeFile(`/opt/vqtune-test/${basename(file)}`, readFileSync(file))
    }
    const wrapper = '#!/bin/sh\nexec /opt/node/node /opt/vqtune-test/vqtune.cjs "$@"\n'
    await this.writeFile('/usr/local/bin/vqtune', wrapper, '0755')
  }

  /** Name in the guest of NIC number `index` (in the order of boot options, then of addNic). */
  async nicName(index: number): Promise<string> {
    const link = await this.link(index)
    if (!link) throw new Error(`the guest has no NIC ${index}`)
    return link.ifname
  }

  /** The name of a NIC that is about to come, as soon as udev, which renames it, is done with it. */
  async nicAppears(index: number): Promise<string> {
    await waitUntil(`NIC ${index} to appear`, PATIENCE_MS, async () => {
      const link = await this.link(index)
      // Its record in udev's database, which is written after the renaming.
      if (link === undefined) return false
      return (await this.exec(['test', '-e', `/run/udev/data/n${link.ifindex}`])).code === 0
    })
    return this.nicName(index)
  }

  private async link(index: number): Promise<{ ifname: string; ifindex: number } | undefined> {
    const nic = this.nics[index]
    if (!nic) throw new Error(`no NIC ${index}`)
    const links = JSON.parse(await this.run(['ip', '-j', 'link'])) as {
      ifname: string
      ifindex: number
      address: string
    }[]
    return links.find(({ address }) => address === macOf(nic, index))
  }

  /** Sets NIC number `index` up with its address and waits until the host answers; returns its name. */
  async configureNic(index: number): Promise<string> {
    const name = await this.nicName(index)
    const { guest, host } = addresses(index)
    await this.run(['ip', 'address', 'replace', `${guest}/24`, 'dev', name])
    await this.run(['ip', 'link', 'set', name, 'up'])
    await waitUntil(`ping from the guest to ${host}`, PATIENCE_MS, () => this.pings(host))
    return name
  }

  /** Waits until so many seconds have passed by the guest's own clock: for what must not happen in a time that vqtune has. */
  async letPass(seconds: number): Promise<void> {
    const uptime = async (): Promise<number> => Number((await this.readFile('/proc/uptime')).split(' ')[0])
    const end = (await uptime()) + seconds
    await waitUntil(
      `${seconds} s in the guest`,
      seconds * 1000 + PATIENCE_MS,
      async () => (await uptime()) >= end,
    )
  }

  /** Whether a host answers within a second. */
  async pings(host: string): Promise<boolean> {
    return (await this.exec(['ping', '-q', '-c', '1', '-W', '1', host])).code === 0
  }

  /** Needs a free root port (boot option hotplugPorts). Returns when the guest has the interface, by its name to stay. */
  async addNic(nic: NicOptions, port: number): Promise<string> {
    const index = this.nics.length
    const ifname = await this.network.addTap(index, nic.queues)
    await this.qmp.run('netdev_add', {
      type: 'tap',
      id: `net${index}`,
      ifname,
      script: 'no',
      downscript: 'no',
      ...(nic.queues > 1 ? { queues: nic.queues } : {}),
    })
    const { mq, ...device } = nicDevice(nic, index, 'pci')
    await this.qmp.run('device_add', { ...device, mq: mq === 'on', bus: `hp${port}` })
    this.nics.push(nic)
    return this.nicAppears(index)
  }

  /** Unplugs a NIC that addNic added; the guest must agree, which takes some seconds. */
  async removeNic(index: number): Promise<void> {
    const gone = this.qmp.event('DEVICE_DELETED', PATIENCE_MS, (data) => data.device === `nic${index}`)
    await this.qmp.run('device_del', { id: `nic${index}` })
    await gone
    await this.qmp.run('netdev_del', { id: `net${index}` })
  }

  /** Hot-adds a vCPU (boot option maxCpus) and returns its number. It is present and offline, as on real machines. */
  async addCpu(): Promise<number> {
    const slots = (await this.qmp.run('query-hotpluggable-cpus')) as {
      type: string
      props: Record<string, number>
      'qom-path'?: string
    }[]
    const before = await this.presentCpus()
    // QEMU lists the highest first.
    const slot = slots.reverse().find((candidate) => !candidate['qom-path'])
    if (!slot) throw new Error('no room for another vCPU: boot with maxCpus')
    const id = `cpu-${Object.values(slot.props).join('-')}`
    await this.qmp.run('device_add', { driver: slot.type, id, ...slot.props })
    let added: number | undefined
    await waitUntil('the new vCPU', PATIENCE_MS, async () => {
      added = (await this.presentCpus()).find((cpu) => !before.includes(cpu))
      return added !== undefined
    })
    return added as number
  }

  private async presentCpus(): Promise<number[]> {
    const names = await this.run(['ls', '/sys/devices/system/cpu'])
    return [...names.matchAll(/^cpu(\d+)$/gm)].map((match) => Number(match[1]))
  }

  async setCpuOnline(cpu: number, online: boolean): Promise<void> {
    await this.writeFile(`/sys/devices/system/cpu/cpu${cpu}/online`, online ? '1' : '0')
  }

  /** This boot's journal, with all that was said before; `args` as for journalctl: `['-u', 'vqtuned', '-o', 'json']`. */
  journal(args: readonly string[] = []): Promise<string> {
    const script = 'journalctl --sync; exec journalctl --no-pager -b "$@"'
    return this.run(['sh', '-c', script, 'journal', ...args])
  }

  /** A clean reboot from inside; returns when the guest is up again. The disk keeps what was written. */
  async reboot(timeoutMs = 180_000): Promise<void> {
    const bootId = '/proc/sys/kernel/random/boot_id'
    const before = await this.readFile(bootId)
    const limit = new Limit(timeoutMs)
    const reset = this.qmp.event('RESET', timeoutMs)
    await this.spawn(['systemctl', 'reboot'])
    await reset
    await this.booted(limit)
    if ((await this.readFile(bootId)) === before) throw new Error('the guest did not reboot')
  }

  /** Powers off from inside and waits for QEMU to end. Call dispose() all the same. */
  async shutdown(timeoutMs = 60_000): Promise<void> {
    const ended = new Promise<void>((resolve) => this.qemu.once('exit', () => resolve()))
    await this.spawn(['systemctl', 'poweroff'])
    const inTime = await Promise.race([ended.then(() => true), sleep(scaled(timeoutMs), false)])
    if (!inTime) throw new Error(`the guest did not power off within ${timeoutMs} ms`)
  }

  /** What the serial console showed: kernel messages. */
  console(): string {
    return readFileSync(join(this.runDirectory, 'console.log'), 'utf8')
  }

  async dispose(): Promise<void> {
    if (this.disposed) return
    const ended =
      this.qemu.exitCode !== null || this.qemu.signalCode !== null
        ? Promise.resolve()
        : new Promise<void>((resolve) => this.qemu.once('exit', () => resolve()))
    this.qemu.kill('SIGKILL')
    await ended
    this.release()
    process.off('exit', this.onProcessExit)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }

  private release(): void {
    if (this.disposed) return
    this.disposed = true
    removeYardstick(this.yardstick)
    this.agent.close()
    this.qmp.close()
    this.qemu.kill('SIGKILL')
    this.network.remove()
    rmSync(this.runDirectory, { recursive: true, force: true })
  }

  /** The number of NICs so far, also the index of the next. */
  get nicCount(): number {
    return this.nics.length
  }

  get description(): string {
    return `${this.options.kernel}, ${this.options.cpus} vCPUs, ${this.nics.length} NICs`
  }
}

function imageFor(options: BootOptions): Promise<Image> {
  if (options.selinux) return selinuxGuestImage()
  if (options.hardened) return hardenedGuestImage()
  if (options.cockpit) return cockpitGuestImage(options.release)
  return guestImage(options.arch, options.release)
}

/** Those of test processes that were killed. */
function removeStaleRunDirectories(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(runPrefix) ? /^(\d+)-/.exec(name.slice(runPrefix.length))?.[1] : undefined
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
}
