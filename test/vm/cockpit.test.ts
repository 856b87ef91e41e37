/**
 * The page in the Cockpit that Debian 12 and 13 ship, in a guest, with a real browser: an administrator logs in, sees what
 * somebody else does to a NIC, and acts on it. What the page shows of which answer is in test/cli/cockpit.test.ts.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FrameLocator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Browser } from '../support/browser'
import { buildPage, stateIn } from '../support/cockpit'
import { Guest } from './lib/guest'
import { addresses } from './lib/host-network'
import type { Release } from './lib/image'
import { restartIperf, startClient } from './lib/iperf'
import { progress } from './lib/locks'
import { Nic, Vqtuned } from './lib/vqtuned'
import { PATIENCE_MS, scaled, waitUntil } from './lib/wait'

const ADDRESS = `http://${addresses(0).guest}:9090/vqtune`
const QUEUES = 4
/** The daemon reports and repairs nothing: what is repaired, the page does. */
const CONFIG = '[defaults]\non-conflict = "report"\n'
const RELEASES: readonly Release[] = ['bookworm', 'trixie']

describe.each(RELEASES)('Cockpit of %s', (release) => {
  let guest: Guest
  let nic: Nic
  let browser: Browser
  let page: Page
  /** The page as Cockpit's shell shows it. */
  let frame: FrameLocator
  const files = mkdtempSync(join(tmpdir(), 'vqtune-cockpit-'))
  let requests: readonly string[]

  beforeAll(async () => {
    guest = await Guest.boot({
      ...{ kernel: '6.12', release, cpus: QUEUES, nics: [{ queues: QUEUES }] },
      vqtune: 'dist/vqtune.cjs',
      cockpit: true,
    })
    nic = new Nic(guest, await guest.configureNic(0))
    await guest.pushDir(await buildPage(files), '/usr/share/cockpit/vqtune')
    // What a rollback goes back to.
    await nic.setChannels(2)
    await Vqtuned.start(guest, CONFIG)
    await guest.run(['systemctl', 'start', 'cockpit.socket'], { timeoutMs: PATIENCE_MS })
    browser = await Browser.start(browserIn(guest, `${files}/chromium`))
    ;({ page, requests } = await browser.open(ADDRESS, { width: 1280, scheme: 'light' }))
    page.setDefaultTimeout(scaled(PATIENCE_MS))
    frame = page.frameLocator('iframe[name="cockpit1:localhost/vqtune"]')
  })
  afterAll(async () => {
    await browser?.close()
    await guest?.dispose()
    rmSync(files, { recursive: true, force: true })
  })

  const row = () => frame.getByRole('row').filter({ hasText: nic.name })
  const shows = (...wanted: string[]) =>
    waitUntil(`the overview to show ${wanted}`, PATIENCE_MS, async () => {
      // While the shell takes the place of the login, there is no frame to ask.
      const seen = await stateIn(row()).catch(() => [])
      return `${seen}` === `${wanted}`
    })
  const dialog = () => frame.getByRole('dialog')

  test('log in: the page is in the menu, and reads without administrative access', async () => {
    await page.locator('#login-user-input').fill('admin')
    await page.locator('#login-password-input').fill('vqtune')
    await page.locator('#login-button').click()
    await shows('Converged', '4', '4', '4', 'vCPUs', '4 of 4')
    await page.getByRole('link', { name: 'NIC queues' }).waitFor()
  })

  test('what a foreign ethtool does is shown without a click, and who did it as far as it is known', async () => {
    await guest.run(['ethtool', '-L', nic.name, 'combined', '1'])
    const started = performance.now()
    await shows('Drift', '1', '4', '4', 'vCPUs', '1 of 1')
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    progress(`Cockpit of ${release}: drift shown after ${seconds} s (limits times ${scaled(1).toFixed(1)})`)
    await frame.getByRole('link', { name: 'Drift' }).click()
    await frame.getByText('4 → 1').first().waitFor()
    await frame
      .getByText(/by (ethtool|an unknown writer)/)
      .first()
      .waitFor()
  })

  test('without administrative access nothing is changed; with it apply and rollback work', async () => {
    await frame.getByRole('link', { name: 'NICs', exact: true }).click()
    await frame.getByRole('button', { name: 'Apply…' }).click()
    await dialog()
      .getByRole('button', { name: /^Apply \d+ changes?$/ })
      .click()
    await dialog().getByText('This needs administrative access.').waitFor()
    expect(await nic.channels()).toBe(1)
    await dialog().getByRole('button', { name: 'Close', exact: true }).last().click()

    await page.getByRole('button', { name: 'Limited access' }).click()
    await page.getByRole('dialog').locator('input[type=password]').fill('vqtune')
    await page.getByRole('button', { name: 'Authenticate' }).click()
    await page.getByText('Administrative access', { exact: true }).filter({ visible: true }).waitFor()

    await frame.getByRole('button', { name: 'Apply…' }).click()
    await dialog()
      .getByRole('button', { name: /^Apply \d+ changes?$/ })
      .click()
    await dialog()
      .getByText(/Done: \d+ changes?\./)
      .waitFor()
    expect(await nic.channels()).toBe(QUEUES)
    await dialog().getByRole('button', { name: 'Close', exact: true }).last().click()
    await shows('Converged', '4', '4', '4', 'vCPUs', '4 of 4')

    await frame.getByRole('link', { name: nic.name }).click()
    await frame.getByRole('button', { name: 'Roll back…' }).click()
    await dialog()
      .getByRole('button', { name: /^Roll back \d+ changes?$/ })
      .click()
    await dialog()
      .getByText(/Done: \d+ changes?\./)
      .waitFor()
    await dialog().getByRole('button', { name: 'Close', exact: true }).last().click()
    await frame
      .getByText(/rolled back/)
      .first()
      .waitFor()
    expect((await guest.run(['vqtune', 'status', '--json'])).includes('rolled')).toBe(true)
  })

  test('a trial under traffic shows how far it is, and its result', async () => {
    await guest.run(['vqtune', 'apply'])
    await restartIperf(guest)
    const stop = startClient(guest, ['-P', '4'])
    try {
      await frame.getByRole('link', { name: 'Trial' }).first().click()
      await frame.getByRole('textbox', { name: /^Counts to compare/ }).fill(`1, ${QUEUES}`)
      await frame.getByRole('textbox', { name: /^Rounds at most/ }).fill('2')
      await frame.getByRole('textbox', { name: /^Seconds for each/ }).fill('1')
      await frame.getByRole('button', { name: 'Start the trial' }).click()
      await frame.getByText(/^Measurement 1 of at most \d+/).waitFor()
      await frame.getByRole('img', { name: /^What was moved with each combination/ }).waitFor()
    } finally {
      await stop()
    }
    expect(await nic.channels()).toBe(QUEUES)
  })

  test('nothing came from elsewhere', () => {
    const { origin } = new URL(ADDRESS)
    expect(requests.length).toBeGreaterThan(10)
    expect(requests.filter((url) => !/^(data|blob):/.test(url) && !url.startsWith(origin))).toEqual([])
  })
})

/** Chromium in the network of a guest. */
function browserIn({ network }: Guest, script: string): string {
  const [file, args] = network.wrap(['/usr/bin/chromium'])
  writeFileSync(script, `#!/bin/sh\nexec ${[file, ...args].join(' ')} "$@"\n`)
  chmodSync(script, 0o755)
  return script
}
