import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, test } from 'vitest'
import { Guest } from '../lib/guest'
import { xdpPassObject } from '../lib/xdp-object'

/**
 * Writes test/fixtures/ethtool/VERSION from real binaries run on a real NIC:
 *   VQTUNE_ETHTOOLS=DIRECTORY npx vitest run --config test/vm/capture/vitest.config.ts ethtool
 * with DIRECTORY/VERSION/ethtool executable when the directory lies at /opt/ethtools.
 * CASE.txt is stdout, CASE.err.txt stderr, CASE.code the exit code; the latter two only when there is something to say.
 */
const binaries = process.env.VQTUNE_ETHTOOLS
const fixtures = fileURLToPath(new URL('../../fixtures/ethtool', import.meta.url))

describe.skipIf(!binaries)('ethtool', () => {
  test('every version of ethtool', async () => {
    await using guest = await Guest.boot({
      kernel: '6.12',
      cpus: 4,
      nics: [{ queues: 4 }, { queues: 8 }, { queues: 4, props: { rss: 'on', hash: 'on' } }],
    })
    const [plain, xdp, rss] = [await guest.nicName(0), await guest.nicName(1), await guest.nicName(2)]
    await guest.writeFile('/root/xdp.o', xdpPassObject())
    await guest.run(['ip', 'link', 'set', 'dev', xdp, 'xdp', 'obj', '/root/xdp.o', 'sec', 'xdp'])
    await guest.pushDir(binaries ?? '', '/opt/ethtools')

    const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']
    const cases: Record<string, { as?: string[]; argv: string[] }> = {
      version: { argv: ['--version'] },
      show: { argv: ['-l', plain] },
      'show-json': { argv: ['--json', '-l', plain] },
      'show-non-root': { as: nobody, argv: ['-l', plain] },
      'show-no-device': { argv: ['-l', 'absent0'] },
      'show-unsupported': { argv: ['-l', 'lo'] },
      'show-xdp': { argv: ['-l', xdp] },
      'set-unchanged': { argv: ['-L', plain, 'combined', '4'] },
      'set-over-max': { argv: ['-L', plain, 'combined', '5'] },
      'set-zero': { argv: ['-L', plain, 'combined', '0'] },
      'set-rx': { argv: ['-L', plain, 'rx', '2'] },
      'set-non-root': { as: nobody, argv: ['-L', plain, 'combined', '2'] },
      'set-no-device': { argv: ['-L', 'absent0', 'combined', '2'] },
      'set-unsupported': { argv: ['-L', 'lo', 'combined', '2'] },
      'set-xdp': { argv: ['-L', xdp, 'combined', '2'] },
      'set-changed': { argv: ['-L', plain, 'combined', '3'] },
      'show-changed': { argv: ['-l', plain] },
      'set-back': { argv: ['-L', plain, 'combined', '4'] },
      driver: { argv: ['-i', plain] },
      statistics: { argv: ['-S', plain] },
      'rss-none': { argv: ['-x', plain] },
      rss: { argv: ['-x', rss] },
    }
    for (const version of readdirSync(binaries ?? '')) {
      const tool = `/opt/ethtools/${version}/ethtool`
      if ((await guest.exec(['test', '-x', tool])).code !== 0) continue
      const target = join(fixtures, version)
      rmSync(target, { recursive: true, force: true })
      mkdirSync(target, { recursive: true })
      const store = (
        name: string,
        { code, stdout, stderr }: { code: number; stdout: string; stderr: string },
      ): void => {
        writeFileSync(join(target, `${name}.txt`), stdout)
        if (stderr) writeFileSync(join(target, `${name}.err.txt`), stderr)
        if (code !== 0) writeFileSync(join(target, `${name}.code`), `${code}\n`)
      }
      for (const [name, { as = [], argv }] of Object.entries(cases)) {
        store(name, await guest.exec([...as, tool, ...argv], { env: { LC_ALL: 'C' } }))
      }
      // Old versions reject the option; for the others, one change and back while the monitor listens.
      const monitored = `timeout 3 stdbuf -oL ${tool} --monitor & sleep 1
        ethtool -L ${plain} combined 2; ethtool -L ${plain} combined 4; wait || true`
      store('monitor', await guest.exec(['sh', '-c', monitored], { env: { LC_ALL: 'C' } }))
    }
  }, 900_000)
})
