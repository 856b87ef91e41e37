/** What may go wrong around `apply`: killed at any step, broken ethtool, no disk. Real processes on generated trees. */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { describe, expect, it, vi } from 'vitest'
import { BUNDLE, inNamespace, vqtune } from '../support/bundle'
import { generateTree } from '../support/generated-tree'

const FAULT_AT = fileURLToPath(new URL('../support/fault-at.cjs', import.meta.url))

/** A guest in which channels of one NIC, and affinity and XPS of another, are to be set. */
function driftedGuest() {
  const tree = generateTree(4, [
    { name: 'eth0', maximum: 4, current: 2, counts: [4] },
    { name: 'eth1', maximum: 4, current: 4, counts: [] },
  ])
  const { root } = tree
  writeFileSync(`${root}/proc/irq/33/smp_affinity_list`, '3\n')
  writeFileSync(`${root}/sys/class/net/eth1/queues/tx-1/xps_cpus`, '8\n')
  const read = (path: string): string => readFileSync(`${root}/${path}`, 'utf8').trim()
  /** What vqtune may have written to the kernel, for the queues that are in use before and after. */
  const kernel = () => [
    ...['eth0', 'eth1'].flatMap((nic) => [
      `${nic} ${read(`sys/class/net/${nic}/current`)}`,
      ...[0, 1].map((queue) => `queue ${queue} ${read(`sys/class/net/${nic}/queues/tx-${queue}/xps_cpus`)}`),
    ]),
    ...[24, 25, 26, 27, 32, 33, 34, 35].map((irq) => `${irq} ${read(`proc/irq/${irq}/smp_affinity_list`)}`),
  ]
  return { ...tree, kernel, run: (...args: string[]) => vqtune([...args, '--root', root]) }
}

/**
 * An apply with a fault before its step `at`. Afterwards a rollback knows the originals, and if it was killed, the next apply
 * finishes the work.
 * @returns how it ended; `code` -1: killed
 */
async function applyWithFault(fault: string, at: number): Promise<{ code: number; stderr: string }> {
  const guest = driftedGuest()
  try {
    const original = guest.kernel()
    const { code, stderr } = await vqtune(['apply', '--root', guest.root], {
      NODE_OPTIONS: `--require=${FAULT_AT}`,
      FAULT: fault,
      FAULT_AT: String(at),
    })
    const step = `${fault} at step ${at}: ${stderr}`
    if (fault === 'SIGKILL') {
      expect(await guest.run('apply'), step).toMatchObject({ code: 0, stderr: '' })
      expect(guest.kernel()[0], step).toBe('eth0 4')
    }
    expect(await guest.run('rollback'), step).toMatchObject({ code: 0, stderr: '' })
    expect(guest.kernel(), step).toEqual(original)
    return { code, stderr }
  } finally {
    guest.remove()
  }
}

describe.concurrent('apply', () => {
  it('that is killed at any step: the ledger is whole, the next apply finishes the work, rollback knows the originals', async () => {
    const isKilled = async (at: number): Promise<boolean> => (await applyWithFault('SIGKILL', at)).code === -1
    let steps = 0
    // Two at a time, until one runs to its end.
    while ((await Promise.all([isKilled(steps), isKilled(steps + 1)])).every(Boolean)) steps += 2
    // Lock, originals, channels, affinity, XPS, ledger: there is more than one write to each.
    expect(steps).toBeGreaterThan(20)
  })

  it('that fails at any step, with one errno or another: told in a line, and never as an internal error', async () => {
    const errnos = ['ENOSPC', 'EIO', 'EMFILE'] as const
    let failures = 0
    const isOver = async (at: number): Promise<boolean> => {
      const { code, stderr } = await applyWithFault(errnos[at % errnos.length] as string, at)
      expect(stderr, `step ${at}`).not.toMatch(/internal error|\n {4}at /)
      if (code !== 0) failures++
      return !stderr.includes('fault: ')
    }
    let steps = 0
    while (!(await Promise.all([isOver(steps), isOver(steps + 1)])).includes(true)) steps += 2
    expect(failures).toBeGreaterThan(10)
  })
})

/** Answers as iproute2 6.1 does: the gateway lives with two channels, and not with four. */
const IP = `#!/bin/sh
T=$(dirname "$(dirname "$(dirname "$0")")")
case "$*" in
'-4 route show default dev eth0') echo 'default via 10.77.0.1 proto dhcp ' ;;
'-4 neigh show to 10.77.0.1 dev eth0') cat "$T/neigh" ;;
'-s neigh show') sed 's/^10.77.0.1/& dev eth0/' "$T/neigh" ;;
'-4 neigh change 10.77.0.1 lladdr 52:54:00:aa:bb:cc'*)
  if test "$(cat "$T/sys/class/net/eth0/current")" = 2
  then echo '10.77.0.1 lladdr 52:54:00:aa:bb:cc REACHABLE ' >"$T/neigh.$$"
  else echo '10.77.0.1 lladdr 52:54:00:aa:bb:cc FAILED ' >"$T/neigh.$$"
  fi
  mv "$T/neigh.$$" "$T/neigh" ;;
esac
`

describe.concurrent('apply that cuts a NIC off and is killed', () => {
  it('at every other step: whoever runs next reverts it, and nothing stays unconfirmed', async () => {
    const cut = async (at: number): Promise<boolean> => {
      const guest = driftedGuest()
      const { root } = guest
      try {
        writeFileSync(`${root}/usr/sbin/ip`, IP)
        chmodSync(`${root}/usr/sbin/ip`, 0o755)
        writeFileSync(`${root}/neigh`, '10.77.0.1 lladdr 52:54:00:aa:bb:cc STALE \n')
        writeFileSync(`${root}/sys/class/net/eth0/carrier`, '1\n')
        const { code } = await vqtune(['apply', '--unattended', '--root', root], {
          NODE_OPTIONS: `--require=${FAULT_AT}`,
          FAULT: 'SIGKILL',
          FAULT_AT: String(at),
        })
        const step = `killed before step ${at}`
        const next = await guest.run('apply', '--unattended')
        expect(guest.kernel()[0], step).toBe('eth0 2')
        const ledger = JSON.parse(readFileSync(`${root}/run/vqtune/ledger.json`, 'utf8'))
        const entry = ledger.entries.find((one: { name: string }) => one.name === 'eth0')
        expect(entry, step).toMatchObject({ held: true, original: { channels: { combined: '2' } } })
        expect(entry.unconfirmed, step).toBeUndefined()
        if (next.code !== 0)
          expect(next.stderr, step).toContain('eth0: the default gateway 10.77.0.1 no longer')
        return code === -1
      } finally {
        guest.remove()
      }
    }
    let steps = 0
    while ((await Promise.all([0, 2, 4].map((more) => cut(steps + more)))).every(Boolean)) steps += 6
    expect(steps).toBeGreaterThan(40)
  })
})

/** What ethtool may do instead of its work, and what is told of it. */
const BROKEN = [
  ['is missing', undefined, /ethtool is not installed \(looked in [^\n]+\)/],
  ['hangs', 'exec sleep 60', /\S+\/ethtool -l eth0: no answer within 5000 ms/],
  [
    'prints something else',
    'echo "Usage: busybox"',
    /ethtool -l printed no channel counts but "Usage: busybox\\n"/,
  ],
  ['is killed', 'kill -9 $$', /ethtool -l failed: exit status 128/],
  ['fails', 'echo "netlink error: Input/output error" >&2; exit 1', /ethtool -l failed: Input\/output error/],
  ['is no program', 'not a program', /[^\n]*ethtool[^\n]*/],
] as const

const putEthtool = (root: string, script: string | undefined): void => {
  const tool = `${root}/usr/sbin/ethtool`
  if (script === undefined) rmSync(tool)
  else {
    writeFileSync(tool, script === 'not a program' ? '\x7fELF\0\0' : `#!/bin/sh\n${script}\n`)
    chmodSync(tool, 0o755)
  }
}

describe.concurrent('an ethtool that', () => {
  it.each(BROKEN)('%s: what needs none is done, one line, status 1', async (_name, script, message) => {
    const guest = driftedGuest()
    try {
      const channels = guest.kernel()[0]
      const why = `the maximum of the host is unknown: ${message.source}`
      const line = new RegExp(`^vqtune: eth0: ${why}\\n$`)
      putEthtool(guest.root, script)
      const apply = await guest.run('apply')
      expect(apply.stdout).toMatch(new RegExp(`^eth0: channels skipped: ${why}$`, 'm'))
      expect(apply.stdout).toContain('eth1: queue 0 tx IRQ 33 CPU 3 -> 0 ')
      expect(apply).toMatchObject({ code: 1, stderr: expect.stringMatching(line) })
      expect(guest.kernel()[0]).toBe(channels)
      for (const verb of ['apply', 'status', 'plan']) {
        const again = await guest.run(verb)
        expect(again, verb).toMatchObject({ code: 1, stderr: expect.stringMatching(line) })
        expect(again.stdout).toMatch(new RegExp(`^ *eth0: channels skipped: ${why}$`, 'm'))
      }
      expect(await guest.run('apply', 'eth1')).toMatchObject({ code: 0, stderr: '' })
      expect((await guest.run('explain', 'eth0')).stdout).toMatch(new RegExp(`^  ${why}$`, 'm'))
      expect(await guest.run('rollback')).toMatchObject({ code: 0, stderr: '' })
    } finally {
      guest.remove()
    }
  })
})

describe.concurrent('apply --boot', () => {
  it.each(BROKEN)(
    'with an ethtool that %s: affinity is tuned, the unit fails',
    async (_name, script, message) => {
      const guest = driftedGuest()
      try {
        putEthtool(guest.root, script)
        const boot = await guest.run('apply', '--boot')
        expect(boot.stderr).toMatch(
          new RegExp(`^vqtune: eth0: the maximum of the host is unknown: ${message.source}\\n$`),
        )
        expect(boot.code).toBe(1)
        expect(boot.stdout).toContain('eth1: queue 0 tx IRQ 33 CPU 3 -> 0 ')
      } finally {
        guest.remove()
      }
    },
  )

  it.each([
    ['that has all its channels', 4, 1, 'vqtune: ethtool is not installed: channels cannot be read or set\n'],
    ['that there is none of', 0, 0, ''],
  ])('without ethtool and with a NIC %s', async (_name, current, code, stderr) => {
    const nics = current === 0 ? [] : [{ name: 'eth0', maximum: 4, current, counts: [] }]
    const tree = generateTree(4, nics)
    try {
      putEthtool(tree.root, undefined)
      expect(await vqtune(['apply', '--boot', '--root', tree.root])).toMatchObject({ code, stderr })
    } finally {
      tree.remove()
    }
  })
})

describe.concurrent('programs that the kernel does not start', () => {
  /** Runs vqtune where execve(2) of these programs fails; the errno is injected by strace. */
  const denying = (errno: string, tools: readonly string[], root: string, args: readonly string[]) =>
    execa(
      'strace',
      [
        ...['-f', '-qq', '-o', '/dev/null', '-e', 'trace=execve', '-e', `inject=execve:error=${errno}`],
        ...tools.flatMap((tool) => ['-P', tool.replace(/^~/, root)]),
        ...[process.execPath, BUNDLE, ...args, '--root', root],
      ],
      {
        reject: false,
        extendEnv: false,
        env: { PATH: '/usr/sbin:/usr/bin' },
        stripFinalNewline: false,
        timeout: 90_000,
      },
    )

  // Node throws some of them, and tells of the others by an event. EPERM is the answer of fapolicyd.
  it.each(['EPERM', 'EACCES', 'ENOMEM', 'EMFILE', 'EAGAIN', 'ETXTBSY'])(
    'ethtool (%s): apply does the rest and fails in one line',
    async (errno) => {
      const guest = driftedGuest()
      try {
        const apply = await denying(errno, ['~/usr/sbin/ethtool'], guest.root, ['apply'])
        const why = `${guest.root}/usr/sbin/ethtool: cannot be started (${errno})`
        expect(apply.stderr).toBe(`vqtune: eth0: the maximum of the host is unknown: ${why}\n`)
        expect(apply.exitCode).toBe(1)
        expect(apply.stdout).toContain('eth1: queue 0 tx IRQ 33 CPU 3 -> 0 ')
        expect(existsSync(`${guest.root}/calls`)).toBe(false)
      } finally {
        guest.remove()
      }
    },
  )

  it('flock: apply changes nothing and fails in one line', async () => {
    const guest = driftedGuest()
    try {
      const original = guest.kernel()
      const { exitCode, stderr } = await denying('EPERM', ['/usr/bin/flock'], guest.root, ['apply'])
      expect([exitCode, stderr]).toEqual([
        1,
        expect.stringMatching(/^vqtune: \S+\/flock: cannot be started \(EPERM\)\n$/),
      ])
      expect(guest.kernel()).toEqual(original)
    } finally {
      guest.remove()
    }
  })

  it.each(['EPERM', 'ENOMEM'])(
    'the shell (%s): a report goes without the name of the machine',
    async (errno) => {
      // In a network namespace of its own, with a sysfs that shows it.
      const command = ['report', '--window', '1', '--json']
      const strace = ['strace', '-f', '-qq', '-o', '/dev/null', '-P', '/bin/sh', '-e', 'trace=execve']
      const { exitCode, stdout, stderr } = await execa(
        'unshare',
        [
          ...['--net', '--mount', 'sh', '-c', 'mount -t sysfs sysfs /sys; exec "$@"', 'sh', ...strace],
          ...['-e', `inject=execve:error=${errno}`, process.execPath, BUNDLE, ...command],
        ],
        { reject: false, timeout: 60_000 },
      )
      expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('Error')])
      expect(JSON.parse(stdout)).toMatchObject({ inventory: null, nics: [] })
    },
  )

  it('all that the daemon starts: it lives, tunes what needs none of them, and says what is wrong', async () => {
    const guest = driftedGuest()
    const tools = ['ethtool', 'udevadm', 'ip', 'systemd-notify'].map((tool) => `~/usr/sbin/${tool}`)
    for (const tool of tools) copyFileSync(`${guest.root}/usr/sbin/ip`, tool.replace(/^~/, guest.root))
    const daemon = denying('EPERM', tools, guest.root, ['daemon'])
    const affinity = () => readFileSync(`${guest.root}/proc/irq/33/smp_affinity_list`, 'utf8').trim()
    const status = () => JSON.parse(readFileSync(`${guest.root}/run/vqtune/status.json`, 'utf8'))
    try {
      await vi.waitFor(() => expect(affinity()).toBe('0'), 30_000)
      // The first try of each is over, and a limit of 5 s that is left behind would be, too.
      await vi.waitFor(
        () => expect(status().sources.map(({ state }: { state: string }) => state)).toEqual(['down', 'down']),
        30_000,
      )
      const before = status().checkedAt
      await vi.waitFor(
        () => expect(Date.parse(status().checkedAt) - Date.parse(before)).toBeGreaterThan(6_000),
        60_000,
      )
      const denied = (tool: string) => `${guest.root}/usr/sbin/${tool}: cannot be started (EPERM)`
      expect(status()).toMatchObject({
        sources: [
          { name: 'udev', why: denied('udevadm') },
          { name: 'ethtool', why: denied('ethtool') },
        ],
        problems: [`eth0: the maximum of the host is unknown: ${denied('ethtool')}`],
      })
      process.kill(status().pid, 'SIGTERM')
      const { exitCode, stdout, stderr } = await daemon
      expect([exitCode, stderr]).toEqual([0, ''])
      expect(
        stdout.split('\n').filter((line) => line.includes('the maximum of the host is unknown')),
      ).toHaveLength(1)
    } finally {
      daemon.kill('SIGKILL')
      guest.remove()
    }
  })
})

describe.concurrent('a second daemon', () => {
  const start = (root: string) =>
    execa(process.execPath, [BUNDLE, 'daemon', '--root', root], { reject: false, stripFinalNewline: false })
  const statusOf = (root: string) => JSON.parse(readFileSync(`${root}/run/vqtune/status.json`, 'utf8'))

  it('is refused in one line, and the first one stays as it is; after that one ends or is killed another may', async () => {
    const guest = driftedGuest()
    const daemons: ReturnType<typeof start>[] = []
    // In an object: what execa returns is waited for by itself.
    const started = async () => {
      const daemon = start(guest.root)
      daemons.push(daemon)
      await vi.waitFor(() => expect(statusOf(guest.root).pid).toBe(daemon.pid), 20_000)
      return { daemon }
    }
    try {
      const { daemon: first } = await started()
      const second = await start(guest.root)
      expect(second).toMatchObject({
        exitCode: 1,
        stdout: '',
        stderr: `vqtune: vqtune daemon (PID ${first.pid}) is already running\n`,
      })
      expect(statusOf(guest.root).pid).toBe(first.pid)
      // The lock is that of the daemon alone: others work beside it.
      expect(await guest.run('apply')).toMatchObject({ code: 0 })
      first.kill('SIGKILL')
      await first
      const { daemon: third } = await started()
      third.kill('SIGTERM')
      expect(await third).toMatchObject({ exitCode: 0 })
      await started()
    } finally {
      for (const daemon of daemons) daemon.kill('SIGKILL')
      await Promise.all(daemons)
      guest.remove()
    }
  })

  it('may run where the lock cannot be had, which it says', async () => {
    const guest = driftedGuest()
    mkdirSync(`${guest.root}/run/vqtune/daemon.lock`, { recursive: true })
    const daemon = start(guest.root)
    try {
      await vi.waitFor(() => expect(statusOf(guest.root).pid).toBe(daemon.pid), 20_000)
      daemon.kill('SIGTERM')
      const { exitCode, stdout } = await daemon
      expect([exitCode, stdout.split('\n')[0]]).toEqual([
        0,
        expect.stringContaining('it is not known whether another daemon runs: '),
      ])
    } finally {
      daemon.kill('SIGKILL')
      guest.remove()
    }
  })
})

describe.concurrent('the daemon with the powers of its unit', () => {
  it("says in one line why it cannot write metrics into a directory of another user; root's or 1777 is fine", async () => {
    const guest = driftedGuest()
    const directory = `${guest.root}/srv`
    const textfile = `${directory}/vqtune.prom`
    mkdirSync(directory)
    chownSync(directory, 65534, 65534)
    writeFileSync(
      `${guest.root}/vqtune.toml`,
      '[metrics]\ntextfile = "/srv/vqtune.prom"\n[daemon]\nconflict-reversals = 100\n',
    )
    const daemon = execa(
      'setpriv',
      [
        ...['--bounding-set=-all,+net_admin', '--inh-caps=-all', process.execPath, BUNDLE, 'daemon'],
        ...['--root', guest.root, '--config', `${guest.root}/vqtune.toml`],
      ],
      { reject: false },
    )
    const irq = `${guest.root}/proc/irq/33/smp_affinity_list`
    /** A drift, which a pass repairs. */
    const pass = async () => {
      writeFileSync(irq, '3\n')
      await vi.waitFor(() => expect(readFileSync(irq, 'utf8').trim()).toBe('0'), 20_000)
    }
    const problems = () => JSON.parse(readFileSync(`${guest.root}/run/vqtune/status.json`, 'utf8')).problems
    const wrong = `${textfile}: cannot write the metrics (EACCES): its directory belongs to user 65534; it must be root's, or have mode 1777`
    try {
      await vi.waitFor(() => expect(problems()).toEqual([wrong]), 20_000)
      await pass()
      for (const [uid, mode] of [
        [65534, 0o1777],
        [0, 0o755],
      ] as const) {
        rmSync(textfile, { force: true })
        chownSync(directory, uid, uid)
        chmodSync(directory, mode)
        await pass()
        await vi.waitFor(
          () => expect(readFileSync(textfile, 'utf8')).toContain('vqtune_nic_channels{'),
          20_000,
        )
        await vi.waitFor(() => expect(problems()).toEqual([]), 20_000)
      }
      daemon.kill('SIGTERM')
      const { stdout } = await daemon
      expect(
        stdout.split('\n').filter((line) => line.includes(' warn: ') && line.includes('EACCES')),
      ).toHaveLength(1)
    } finally {
      daemon.kill('SIGKILL')
      guest.remove()
    }
  })
})

describe.concurrent('apply with a disk for its state that', () => {
  const SPOILT = [
    ['is full', 'dd if=/dev/zero of=fill bs=4k 2>/dev/null', 'ENOSPC'],
    ['became read-only', 'mount -o remount,ro .', 'EROFS'],
  ] as const
  /** Runs `apply` with its directory below /run on a small file system of its own. */
  const applyOn = (root: string, before: string, spoil: string) =>
    inNamespace(
      `${before}
       cd "$ROOT/run/vqtune" && cp -a . "$ROOT/keep" && mount -t tmpfs -o size=64k,mode=755 tmpfs . &&
       cd "$ROOT/run/vqtune" && cp -a "$ROOT/keep/." . && { ${spoil}; cd /
       vqtune apply --root "$ROOT"; code=$?; ls "$ROOT/run/vqtune" >&3; exit $code; } 3>"$ROOT/left"`,
      { ROOT: root },
    )

  it('went while all around it is read-only, as for the daemon: says what to do', async () => {
    const guest = driftedGuest()
    try {
      mkdirSync(`${guest.root}/run`)
      const script = 'mount -t tmpfs -o ro tmpfs "$ROOT/run" && vqtune apply --root "$ROOT"'
      const { code, stderr } = await inNamespace(script, { ROOT: guest.root })
      const directory = `${guest.root}/run/vqtune`
      expect([code, stderr]).toEqual([
        1,
        `vqtune: ${directory}/lock: cannot open the lock (EROFS); ${directory} was removed: systemctl restart vqtuned.service creates it again\n`,
      ])
    } finally {
      guest.remove()
    }
  })

  it.each(SPOILT)('%s: nothing is written before the originals are', async (_name, spoil, errno) => {
    const guest = driftedGuest()
    try {
      const original = guest.kernel()
      const { code, stdout, stderr } = await applyOn(guest.root, 'mkdir -p "$ROOT/run/vqtune"', spoil)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(
        new RegExp(`^vqtune: \\S+: cannot \\S+ the (ledger|lock) \\(${errno}\\)[^\\n]*\\n$`),
      )
      expect(guest.kernel()).toEqual(original)
      expect(readFileSync(`${guest.root}/left`, 'utf8')).not.toContain('.tmp')
    } finally {
      guest.remove()
    }
  })

  it.each(SPOILT)(
    '%s later: settings are repaired, and one line says what was not noted',
    async (_name, spoil, errno) => {
      const guest = driftedGuest()
      try {
        const drift = '"$ROOT/usr/sbin/ethtool" -L eth0 combined 2'
        const { code, stdout, stderr } = await applyOn(
          guest.root,
          `vqtune apply --root "$ROOT" >/dev/null && ${drift}`,
          spoil,
        )
        expect(stdout).toContain('eth0: channels 2 -> 4 ')
        expect(stderr).toMatch(
          new RegExp(`^vqtune: \\S+: cannot write the ledger \\(${errno}\\); the settings are in place\\n$`),
        )
        expect(code).toBe(1)
        expect(guest.kernel()[0]).toBe('eth0 4')
        expect(readFileSync(`${guest.root}/left`, 'utf8')).not.toContain('.tmp')
      } finally {
        guest.remove()
      }
    },
  )
})
