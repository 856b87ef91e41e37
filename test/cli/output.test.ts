/**
 * What is printed, and who listens, are no part of the work: full disks, closed and hung-up terminals, stuck pagers, signals.
 * Real processes on generated trees.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { BUNDLE } from '../support/bundle'
import { generateTree } from '../support/generated-tree'

// Tests run side by side: most of their time is the watch over what they changed.
const cleanUps: (() => void)[] = []
afterAll(() => {
  for (const cleanUp of cleanUps) cleanUp()
})

/** Its gateway answers while eth0 has so many channels; what waits for `go` is held up until the test lets it go. */
const IP = `#!/bin/sh
T=$(dirname "$(dirname "$(dirname "$0")")")
hold() { : >"$T/held.$1"; if test -f "$T/hold.$1"; then while ! test -f "$T/go"; do sleep 0.02; done; fi; }
case "$*" in
'-j -d link show') echo '[]' ;;
'-4 route show default dev eth0') hold ip; echo 'default via 10.77.0.1 proto dhcp ' ;;
*' route show default dev '*) ;;
'-4 neigh show to 10.77.0.1 dev eth0') cat "$T/neigh" ;;
'-s neigh show') sed 's/^10.77.0.1/& dev eth0/' "$T/neigh" ;;
'-4 neigh change 10.77.0.1 lladdr 52:54:00:aa:bb:cc nud probe dev eth0')
  if grep -qw "$(cat "$T/sys/class/net/eth0/current")" "$T/alive"
  then echo '10.77.0.1 lladdr 52:54:00:aa:bb:cc REACHABLE ' >"$T/neigh.$$"
  else echo '10.77.0.1  FAILED ' >"$T/neigh.$$"
  fi
  mv "$T/neigh.$$" "$T/neigh" ;;
*) echo "unexpected: $*" >&2; exit 99 ;;
esac
`

/** A guest with channels of one NIC and the affinity of another to set. */
function guest(alive: string) {
  const tree = generateTree(4, [
    { name: 'eth0', maximum: 4, current: 2, counts: [4] },
    { name: 'eth1', maximum: 4, current: 4, counts: [] },
  ])
  cleanUps.push(tree.remove)
  const { root } = tree
  const put = (path: string, text: string, mode = 0o644) => writeFileSync(`${root}/${path}`, text, { mode })
  const read = (path: string): string => readFileSync(`${root}/${path}`, 'utf8').trim()
  put('usr/sbin/ip', IP, 0o755)
  put('alive', `${alive}\n`)
  put('neigh', '10.77.0.1 lladdr 52:54:00:aa:bb:cc STALE \n')
  put('sys/class/net/eth0/carrier', '1\n')
  put('proc/irq/33/smp_affinity_list', '3\n')
  put('vqtune.toml', '[guard]\ncommit-confirm-seconds = 2\n')
  const ethtool = read('usr/sbin/ethtool')
  return {
    root,
    put,
    read,
    /** Holds up `ethtool -L`, or the question for the gateway. */
    hold: (what: 'ethtool' | 'ip') => {
      put(`hold.${what}`, '')
      const wait = `: >"$T/held.ethtool"; while ! test -f "$T/go"; do sleep 0.02; done`
      if (what === 'ethtool')
        put('usr/sbin/ethtool', `${ethtool.replace('\n-L)\n', `\n-L) ${wait}\n`)}\n`, 0o755)
    },
    held: (what: 'ethtool' | 'ip') =>
      vi.waitFor(() => expect(existsSync(`${root}/held.${what}`)).toBe(true), { timeout: 20_000 }),
    go: () => put('go', ''),
    channels: () => Number(read('sys/class/net/eth0/current')),
    affinity: () => read('proc/irq/33/smp_affinity_list'),
    ledger: () =>
      existsSync(`${root}/run/vqtune/ledger.json`)
        ? (JSON.parse(read('run/vqtune/ledger.json')).entries as { name: string; held?: boolean }[])
        : [],
    args: (...verb: string[]) => [BUNDLE, ...verb, '--root', root],
  }
}
type Guest = ReturnType<typeof guest>

/** vqtune in a shell that gives it its streams. */
function inShell(script: string, { root }: Guest) {
  return execa('bash', ['-c', `V=("$NODE" "$BUNDLE"); ${script}`], {
    env: { NODE: process.execPath, BUNDLE, ROOT: root, CONFIG: `${root}/vqtune.toml` },
    reject: false,
    timeout: 60_000,
    stripFinalNewline: false,
  })
}

describe.concurrent('apply whose output cannot be written', () => {
  it.each([
    ['a full disk', '>/dev/full', 'vqtune: standard output cannot be written (ENOSPC)\n', 1],
    ['a full disk, as JSON', '--json >/dev/full', 'vqtune: standard output cannot be written (ENOSPC)\n', 1],
    ['nobody reads on', '> >(exec true)', '', 0],
    ['it is closed', '>&-', '', 0],
    ['nor errors', '>/dev/full 2>/dev/full', '', 1],
  ])('%s: does and watches all the same, and the exit status tells', async (_name, how, stderr, code) => {
    const one = guest('2')
    const result = await inShell(`exec "\${V[@]}" apply --root "$ROOT" --config "$CONFIG" ${how}`, one)
    const lost =
      'vqtune: eth0: the default gateway 10.77.0.1 no longer answers after the change: reverted to 2 channels'
    // The new channels cut the gateway off: that is noticed in the watch, which comes after what could not be written.
    expect(one.channels()).toBe(2)
    expect(one.ledger().find(({ name }) => name === 'eth0')?.held).toBe(true)
    expect(one.affinity()).toBe('0')
    if (how.includes('2>')) expect(result.stderr).toBe('')
    else expect(result.stderr).toContain(lost)
    expect(result.stderr.endsWith(stderr)).toBe(true)
    expect(result.exitCode).toBe(1)
    one.put('alive', '2 4')
    one.put('neigh', '10.77.0.1 lladdr 52:54:00:aa:bb:cc STALE \n')
    const again = await inShell(`exec "\${V[@]}" apply --root "$ROOT" --config "$CONFIG" ${how}`, one)
    expect([again.exitCode, again.stderr]).toEqual([code, stderr])
    expect(one.channels()).toBe(4)
    const back = await inShell(`exec "\${V[@]}" rollback --root "$ROOT" ${how}`, one)
    expect([back.exitCode, back.stderr]).toEqual([code, stderr])
    expect([one.channels(), one.affinity()]).toEqual([2, '3'])
  })

  it.each(['status', 'plan', 'explain eth0', 'drift', '--help'])(
    '%s on a full disk: one line, status 1',
    async (verb) => {
      const root = verb === '--help' ? '' : '--root "$ROOT"'
      const { exitCode, stderr } = await inShell(`exec "\${V[@]}" ${verb} ${root} >/dev/full`, guest('2'))
      expect([exitCode, stderr]).toEqual([1, 'vqtune: standard output cannot be written (ENOSPC)\n'])
    },
  )

  it('into a pipe that nobody empties: the work is done and the lock is free, then it waits for its reader', async () => {
    const one = guest('2 4')
    execFileSync('mkfifo', [`${one.root}/pipe`])
    const reader = openSync(`${one.root}/pipe`, constants.O_RDONLY | constants.O_NONBLOCK)
    const writer = openSync(`${one.root}/pipe`, 'w')
    const filler = openSync(`${one.root}/pipe`, constants.O_WRONLY | constants.O_NONBLOCK)
    let filled = 0
    for (const size of [4_096, 1]) {
      try {
        for (;;) filled += writeSync(filler, '.'.repeat(size))
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe('EAGAIN')
      }
    }
    closeSync(filler)
    const apply = spawn(process.execPath, one.args('apply', '--config', `${one.root}/vqtune.toml`), {
      stdio: ['ignore', writer, 'inherit'],
    })
    const ended = once(apply, 'close')
    closeSync(writer)
    await vi.waitFor(() => expect([one.channels(), one.affinity()]).toEqual([4, '0']), { timeout: 20_000 })
    await vi.waitFor(() => execFileSync('flock', ['-n', `${one.root}/run/vqtune/lock`, 'true']), {
      timeout: 20_000,
    })
    expect(apply.exitCode).toBe(null)
    let text = ''
    const chunk = Buffer.alloc(1 << 20)
    const reading = (async () => {
      for (let count = -1; count !== 0; ) {
        try {
          count = readSync(reader, chunk)
          text += chunk.toString('utf8', 0, count)
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
          await sleep(10)
        }
      }
    })()
    expect(await ended).toEqual([0, null])
    await reading
    closeSync(reader)
    expect(text.slice(filled)).toMatch(/^eth0: channels 2 -> 4 [\s\S]*\nconverged: 2 NICs, 2 changes\n/)
  })
})

describe.concurrent('the daemon whose log cannot be written', () => {
  it.each([
    ['a full disk', '>/dev/full'],
    ['nobody reads on', '> >(exec true)'],
    ['it is closed', '>&-'],
  ])('%s: keeps the NICs in tune', async (_, how) => {
    const one = guest('2 4')
    const daemon = execa('bash', ['-c', `exec "$0" "$@" ${how}`, process.execPath, ...one.args('daemon')], {
      reject: false,
    })
    cleanUps.push(() => void daemon.kill('SIGKILL'))
    await vi.waitFor(() => expect([one.channels(), one.affinity()]).toEqual([4, '0']), { timeout: 20_000 })
    // It watches the files of the settings.
    for (const cpus of ['2', '3']) {
      await vi.waitFor(() => expect(existsSync(`${one.root}/run/vqtune/status.json`)).toBe(true), {
        timeout: 20_000,
      })
      one.put('proc/irq/33/smp_affinity_list', `${cpus}\n`)
      await vi.waitFor(() => expect(one.affinity()).toBe('0'), { timeout: 20_000 })
    }
    daemon.kill('SIGTERM')
    expect(await daemon).toMatchObject({ exitCode: 0, stderr: '' })
  })
})

describe.concurrent('a hang-up', () => {
  it('of the terminal between two writes: finishes, watches, and puts back what it cut off', async () => {
    const one = guest('2')
    one.hold('ethtool')
    const command = [process.execPath, ...one.args('apply', '--config', `${one.root}/vqtune.toml`)]
    // Its death closes the terminal: SIGHUP for all that runs in it, and EIO for what is written to it.
    const terminal = execa('script', ['-qfc', `exec ${command.join(' ')}`, '/dev/null'], { reject: false })
    await one.held('ethtool')
    terminal.kill('SIGKILL')
    await terminal
    one.go()
    // A NIC is held before its first setting is put back.
    const held = () => one.ledger().find(({ name }) => name === 'eth0')?.held
    await vi.waitFor(() => expect([held(), one.channels()]).toEqual([true, 2]), { timeout: 20_000 })
    expect(one.affinity()).toBe('0')
  })

  it.each([[], ['nohup']])('of its group (%s): goes on, and what it printed is there', async (...before) => {
    const one = guest('2 4')
    one.hold('ethtool')
    const [file = '', ...args] = [
      ...before,
      process.execPath,
      ...one.args('apply', '--config', `${one.root}/vqtune.toml`),
    ]
    const apply = execa(file, args, { detached: true, reject: false, stdin: 'ignore' })
    await one.held('ethtool')
    process.kill(-(apply.pid as number), 'SIGHUP')
    process.kill(-(apply.pid as number), 'SIGHUP')
    one.go()
    const { exitCode, stdout } = await apply
    expect([exitCode, one.channels(), one.affinity()]).toEqual([0, 4, '0'])
    expect(stdout).toContain('converged: 2 NICs, 2 changes')
  })
})

describe.concurrent.each(['SIGTERM', 'SIGINT'] as const)('%s for the whole group', (signal) => {
  it('while the gateway is asked, before the first write: nothing is changed, status 1', async () => {
    const one = guest('2 4')
    one.hold('ip')
    const apply = execa(process.execPath, one.args('apply'), { detached: true, reject: false })
    await one.held('ip')
    process.kill(-(apply.pid as number), signal)
    one.go()
    const { exitCode, stderr } = await apply
    expect([exitCode, one.channels(), one.affinity()]).toEqual([1, 2, '3'])
    expect(stderr).toMatch(/^vqtune: interrupted with 2 changes not applied, first: eth0: channels$/)
  })

  it('while another one has the lock: nothing is changed, status 1', async () => {
    const one = guest('2 4')
    one.hold('ethtool')
    const first = execa(process.execPath, one.args('apply', '--config', `${one.root}/vqtune.toml`), {
      reject: false,
    })
    await one.held('ethtool')
    const second = execa(process.execPath, one.args('rollback'), { detached: true, reject: false })
    await vi.waitFor(
      () => expect(execFileSync('pgrep', ['-P', String(second.pid), 'flock']).length).toBeGreaterThan(0),
      {
        timeout: 20_000,
      },
    )
    process.kill(-(second.pid as number), signal)
    expect(await second).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^vqtune: interrupted while waiting/),
    })
    one.go()
    expect((await first).exitCode).toBe(0)
    expect(one.channels()).toBe(4)
  })

  it('while ethtool writes: what is begun is ended and told', async () => {
    const one = guest('2 4')
    one.hold('ethtool')
    const apply = execa(process.execPath, one.args('apply'), { detached: true, reject: false })
    await one.held('ethtool')
    process.kill(-(apply.pid as number), signal)
    one.go()
    const { exitCode, stdout } = await apply
    expect([exitCode, one.channels()]).toEqual([1, 4])
    expect(stdout).toMatch(/^eth0: channels 2 -> 4 /)
  })
})
