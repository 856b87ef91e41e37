/** With Debian's auditd and the rule of the package, a change that somebody typed has the user's name. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Guest } from './lib/guest'
import { Nic, Vqtuned } from './lib/vqtuned'

const RULES = '/usr/share/vqtune/audit/vqtune.rules'
const USER = { name: 'alice', uid: 1000 }

let guest: Guest
let nic: Nic
let daemon: Vqtuned
beforeAll(async () => {
  guest = await Guest.boot({
    kernel: '6.12',
    cpus: 4,
    nics: [{ queues: 4 }],
    hardened: true,
    vqtune: 'dist/vqtune.cjs',
  })
  await guest.run(['systemctl', 'start', 'auditd'])
  nic = new Nic(guest, await guest.nicName(0))
  await guest.run(['useradd', '-u', String(USER.uid), USER.name])
  await guest.writeFile(RULES, readFileSync('packaging/audit/vqtune.rules'))
  // So many changes of this test's own are no fight.
  daemon = await Vqtuned.start(
    guest,
    '[daemon]\ncheck-cron = "0 0 1 1 *"\nconflict-reversals = 1000\n[guard]\ncommit-confirm-seconds = 0\n',
  )
  await daemon.sourcesAreUp()
})
afterAll(() => guest?.dispose())

/** In an interactive shell on a terminal of its own, of somebody who logged in as that user and became root. */
async function typed(line: string): Promise<void> {
  const session = `echo ${USER.uid} >/proc/self/loginuid\n${line}\nexit\n`
  await guest.exec(['script', '-qec', 'bash --norc -i', '/dev/null'], { input: session })
}

test('explain says how auditd can record who runs ethtool, and then that it does', async () => {
  const explained = (): Promise<string> => guest.run(['vqtune', 'explain', nic.name])
  const [, copy = '', load = ''] =
    /auditd can record who runs ethtool: (cp \S+ \S+), then (augenrules --load)$/m.exec(await explained()) ??
    []
  expect(copy).toBe(`cp ${RULES} /etc/audit/rules.d/`)
  await guest.shell(`${copy} && ${load}`)
  expect(await guest.run(['auditctl', '-l'])).toContain('path=/usr/sbin/ethtool -F perm=x -F key=vqtune')
  expect(await explained()).toMatch(
    /auditd records who runs ethtool \(\/etc\/audit\/rules\.d\/vqtune\.rules:\d+\)/,
  )
})

test('of ten changes that are typed, nine and more have user, terminal, process and command line', async () => {
  const evidence: string[] = []
  for (let round = 0; round < 10; round++) {
    const known = (await daemon.history()).length
    await typed(`ethtool -L ${nic.name} combined 2`)
    evidence.push((await daemon.newRecord(known, 'channels')).evidence)
    await nic.become(4)
  }
  const named = evidence.filter((text) =>
    new RegExp(
      `^ethtool -L ${nic.name} combined 2 \\(pid \\d+(?:, started by bash \\d+)?, user ${USER.name}, login uid ${USER.uid}, terminal pts\\d+\\) is in the audit log`,
    ).test(text),
  )
  expect(named.length, evidence.join('\n')).toBeGreaterThanOrEqual(9)
  expect(await guest.run(['vqtune', 'drift'])).toContain(`ethtool (${USER.name})`)
})
