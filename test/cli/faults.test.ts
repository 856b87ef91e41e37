/** What may go wrong around `apply`: killed at any step, broken ethtool, no disk. Real processes on generated trees. */
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { inNamespace, vqtune } from '../support/bundle'
import { generateTree } from '../support/generated-tree'

const KILL_AT = fileURLToPath(new URL('../support/kill-at.cjs', import.meta.url))

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

describe.concurrent('apply that is killed', () => {
  it('at any step: the ledger is whole, the next apply finishes the work, rollback knows the originals', async () => {
    const cut = async (at: number): Promise<boolean> => {
      const guest = driftedGuest()
      try {
        const original = guest.kernel()
        const { code } = await vqtune(['apply', '--root', guest.root], {
          NODE_OPTIONS: `--require=${KILL_AT}`,
          KILL_AT: String(at),
        })
        const killed = code === -1
        const step = `killed before step ${at}`
        expect(await guest.run('apply'), step).toMatchObject({ code: 0, stderr: '' })
        expect(guest.kernel()[0], step).toBe('eth0 4')
        expect(await guest.run('rollback'), step).toMatchObject({ code: 0, stderr: '' })
        expect(guest.kernel(), step).toEqual(original)
        return killed
      } finally {
        guest.remove()
      }
    }
    let steps = 0
    // Two at a time, until one runs to its end.
    while ((await Promise.all([cut(steps), cut(steps + 1)])).every(Boolean)) steps += 2
    // Lock, originals, channels, affinity, XPS, ledger: there is more than one write to each.
    expect(steps).toBeGreaterThan(20)
  })
})

describe.concurrent('apply with an ethtool that', () => {
  it.each([
    ['is missing', undefined, /^vqtune: ethtool is not installed \(looked in [^\n]+\)\n$/],
    ['hangs', 'exec sleep infinity', /^vqtune: \S+\/ethtool -l eth0: no answer within 5000 ms\n$/],
    [
      'prints something else',
      'echo "Usage: busybox"',
      /^vqtune: eth0: ethtool -l printed no channel counts but "Usage: busybox\\n"\n$/,
    ],
    ['is killed', 'kill -9 $$', /^vqtune: eth0: ethtool -l failed: [^\n]+\n$/],
    ['cannot be run', 'not a program', /^vqtune: [^\n]*ethtool[^\n]*\n$/],
  ])('%s: one line, status 1, and nothing is written', async (_name, script, message) => {
    const guest = driftedGuest()
    try {
      const original = guest.kernel()
      const tool = `${guest.root}/usr/sbin/ethtool`
      if (script === undefined) rmSync(tool)
      else {
        writeFileSync(tool, script === 'not a program' ? '\x7fELF\0\0' : `#!/bin/sh\n${script}\n`)
        chmodSync(tool, 0o755)
      }
      const { code, stdout, stderr } = await guest.run('apply')
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(message)
      expect(guest.kernel()).toEqual(original)
    } finally {
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
