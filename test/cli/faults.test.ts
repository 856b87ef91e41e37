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
  }, 300_000)
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
