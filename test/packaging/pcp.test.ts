/** Performance Co-Pilot shows what the daemon writes: the real pmcd, pmdaopenmetrics and pmrep, in a root of their own. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { renderMetrics } from '../../src/daemon/prometheus'
import { allFamilies } from '../support/all-metrics'
import { inPrivateRoot } from '../support/private-root'
import { TOP } from './rpms'

/** By .ci/setup: the package is not installed. */
const UNPACKED = join(TOP, 'dist/unpacked/pcp')
const VIEWS = join(TOP, 'packaging/pcp/vqtune.conf')
const views = [...readFileSync(VIEWS, 'utf8').matchAll(/^\[(.+)\]$/gm)].map(([, name = '']) => name)

/** As the package's own Install would have pmcd start the agent. */
const SCRIPT = `
cp -a "$UNPACKED/etc/." etc
cp -a "$UNPACKED/var/." var
cp -a /etc/pcp.conf etc
mkdir -p run/pcp run/vqtune var/log/pcp/pmcd
cp "$EXPOSITION" run/vqtune/vqtune.prom
rm var/lib/pcp/pmdas/openmetrics/config.d/*
cp "$TOP/packaging/pcp/vqtune.url" var/lib/pcp/pmdas/openmetrics/config.d
cp "$TOP/packaging/pcp/vqtune.conf" etc/pcp/pmrep
cat >pmcd.conf <<'END'
openmetrics 144 pipe binary notready python3 /usr/lib/pcp/pmdas/openmetrics/pmdaopenmetrics.python
[access]
allow * : all;
END
printf 'root {\\n  openmetrics 144:*:*\\n}\\n' >pmns
cat >look <<'END'
/usr/lib/pcp/bin/pmcd -f -U root -c /pmcd.conf -n /pmns -l /pmcd.log &
trap "kill $!" EXIT
# pmcd answers before its agent does; when neither will, the limit of the test ends this.
until pminfo openmetrics.vqtune >/dev/null 2>&1; do
  kill -0 $! || { cat /pmcd.log >&2; exit 1; }
done
echo "# names"
pminfo openmetrics.vqtune | sort
for view in $VIEWS; do
  echo "# $view"
  pmrep -p -s 1 :$view
done
END
chroot . /bin/bash look
`

describe('PCP', () => {
  const shown = new Map<string, string>()
  beforeAll(async () => {
    const exposition = join(mkdtempSync(join(tmpdir(), 'vqtune-pcp-')), 'vqtune.prom')
    writeFileSync(exposition, renderMetrics(allFamilies()))
    const env = { UNPACKED, TOP, EXPOSITION: exposition, VIEWS: views.join(' ') }
    const { code, stdout, stderr } = await inPrivateRoot(SCRIPT, env, [UNPACKED])
    expect(code, stdout + stderr).toBe(0)
    for (const part of stdout.split(/^# /m).slice(1)) {
      const [name = '', ...lines] = part.split('\n')
      shown.set(name, lines.join('\n').trim())
    }
  })

  it('has every metric that the daemon writes', () => {
    expect(shown.get('names')?.split('\n')).toEqual(
      allFamilies()
        .map(({ name }) => `openmetrics.vqtune.vqtune_${name}`)
        .sort(),
    )
  })

  it('pmrep shows NICs, guest and writers, with numbers everywhere', () => {
    expect(views).toEqual(['vqtune', 'vqtune-guest', 'vqtune-drift'])
    const table = (name: string) =>
      (shown.get(name) ?? '').split('\n').map((line) =>
        line
          .trim()
          .replace(/^[\d:]{8} +/, '')
          .split(/ {2,}/),
      )
    expect(table('vqtune')).toEqual([
      ['NIC', 'CHANNELS', 'TARGET', 'MAX', 'PRIVATE', 'DEAD', 'DRIFTED', 'BACKOFFS', 'REVERTS'],
      ['0 nic:eth2', '1', '2', '2', '1', '0', '1', '1', '0'],
    ])
    expect(table('vqtune-guest')).toEqual([
      ['VCPUS', 'CONFIG', 'FAILURES'],
      ['2', '1', '0'],
    ])
    // A writer that has changed nothing has no line.
    expect(table('vqtune-drift')).toEqual([
      ['WRITER', 'CHANGES'],
      ['1 writer:tuned', '1'],
    ])
  })
})
