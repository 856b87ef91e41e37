/** The page for Cockpit in a real browser: what it shows is what the built vqtune says of captured and generated guests. */
import { appendFileSync, mkdirSync, rmSync } from 'node:fs'
import { source as axeSource } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { Browser, overflowing, type View } from '../support/browser'
import { capturedRoot } from '../support/bundle'
import { guestArchive } from '../support/captured-guest'
import { CockpitPage } from '../support/cockpit'
import { generateTree } from '../support/generated-tree'

const WIDE: View = { width: 1280, scheme: 'light' }
const NARROW: View = { width: 360, scheme: 'dark' }

let browser: Browser
let cockpit: CockpitPage
beforeAll(async () => {
  ;[browser, cockpit] = await Promise.all([Browser.start(), CockpitPage.start()])
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await cockpit?.close()
}, 60_000)
beforeEach(() => {
  Object.assign(cockpit.session, {
    isAdmin: true,
    isInstalled: true,
    more: () => [],
    printed: (_argv: unknown, text: string) => text,
  })
  cockpit.spawned.length = 0
})

/** Opens a view, and at the end of the test expects that nothing came from elsewhere and that the browser had no complaint. */
async function open(root: string, path = ''): Promise<Page> {
  cockpit.session.root = root
  const { page, requests, complaints } = await browser.open(cockpit.url(path), WIDE)
  onTestFinished(async () => {
    expect(complaints).toEqual([])
    const origin = new URL(cockpit.url()).origin
    expect(requests.filter((url) => !url.startsWith(origin) && !url.startsWith('data:'))).toEqual([])
    await page.close()
  })
  return page
}

/** What a reader of the screen, a keyboard or a weak eye would stumble over. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axeSource)
  return page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: {
        run(): Promise<{
          violations: { id: string; help: string; nodes: { html: string; any: { message: string }[] }[] }[]
        }>
      }
    }
    const { violations } = await axe.run()
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, any }) => `${id}: ${help}: ${html.slice(0, 200)} ${any[0]?.message ?? ''}`),
    )
  })
}

/** On a large light screen and on a small dark one. */
async function expectFits(page: Page): Promise<void> {
  for (const { width, scheme } of [NARROW, WIDE]) {
    await page.setViewportSize({ width, height: 900 })
    await page.emulateMedia({ colorScheme: scheme })
    await expect.poll(() => isDark(page)).toBe(scheme === 'dark')
    // Colours on their way to others are neither.
    await page.evaluate(() => Promise.allSettled(document.getAnimations().map(({ finished }) => finished)))
    expect(await overflowing(page), `${width} px`).toEqual([])
    expect(await violations(page), `${width} px`).toEqual([])
  }
}

const isDark = (page: Page) =>
  page.evaluate(() => document.documentElement.classList.contains('pf-v6-theme-dark'))

const record = (writer: string, at: string) =>
  `${JSON.stringify({
    ...{ at, kind: 'channels', nic: 'eth0', old: '4', new: '1', writer },
    ...{ evidence: `process 4711 (${writer})`, action: 'repaired', why: '' },
  })}\n`

describe('overview', () => {
  it('shows each NIC as status does', async () => {
    const page = await open(guestArchive('irq-affinity-drifted'), '')
    const row = page.getByRole('row').filter({ hasText: 'enp0s8' })
    await row.waitFor()
    expect((await row.getByRole('gridcell').or(row.getByRole('cell')).allTextContents()).slice(1, 7)).toEqual(
      [...['Drift', '4', '4', '4', 'vCPUs', '1 of 4']],
    )
    expect(await page.getByText('1 NIC, drift on 1. Online vCPUs: 0-3.').count()).toBe(1)
    await expectFits(page)
  })

  it('says so where there is no NIC, and where the daemon is off', async () => {
    const tree = generateTree(2, [])
    onTestFinished(() => tree.remove())
    const page = await open(tree.root)
    await page.getByText('No virtio-net NIC').waitFor()
    expect(await page.getByText('vqtuned is not running').count()).toBe(1)
    await expectFits(page)
  })

  it('pages 64 NICs, and the 64 queues of one', async () => {
    const nics = Array.from({ length: 64 }, (_, i) => ({
      ...{ name: `eth${i}`, maximum: i === 0 ? 64 : 2, current: i === 0 ? 64 : 2, counts: [], vectors: true },
    }))
    const tree = generateTree(64, nics)
    onTestFinished(() => tree.remove())
    const page = await open(tree.root)
    await page.getByRole('link', { name: 'eth0', exact: true }).waitFor()
    const rows = page.locator('tbody tr')
    expect(await rows.count()).toBe(32)
    // With the keyboard alone.
    await page.getByRole('button', { name: 'Go to next page' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'eth63' }).waitFor()
    expect(await rows.count()).toBe(32)
    await page.goto(cockpit.url('nic/eth0'))
    await page.getByRole('heading', { name: 'Queues, interrupts and vCPUs' }).waitFor()
    expect(await rows.count()).toBe(32)
    await expectFits(page)
  })

  it.each<[string, string, (answer: Record<string, unknown>) => void]>([
    [
      'a key is missing',
      'The output of this vqtune has no nics[0].queues that this page reads.',
      (answer) => {
        delete (answer.nics as Record<string, unknown>[])[0]?.queues
      },
    ],
    [
      'its version differs',
      'This page does not read version 2 of the output of vqtune.',
      (answer) => {
        answer.version = 2
      },
    ],
  ])('says one sentence when %s', async (_what, sentence, damage) => {
    cockpit.session.printed = ([verb], text) => {
      if (verb !== 'status') return text
      const answer = JSON.parse(text) as Record<string, unknown>
      damage(answer)
      return JSON.stringify(answer)
    }
    const page = await open(guestArchive('two-nics'))
    const alert = page.getByText(`${sentence} Install vqtune and vqtune-cockpit in the same version.`)
    await alert.waitFor()
    await expectFits(page)
  })

  it('says that vqtune is not installed', async () => {
    cockpit.session.isInstalled = false
    const page = await open(guestArchive('two-nics'))
    await page.getByText('vqtune is not installed here. Install the package vqtune.').waitFor()
    cockpit.session.isInstalled = true
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('link', { name: 'enp0s8' }).waitFor()
  })

  it('follows a change of style in Cockpit', async () => {
    const page = await open(guestArchive('two-nics'))
    expect(await isDark(page)).toBe(false)
    await page.evaluate(() => dispatchEvent(new CustomEvent('cockpit-style', { detail: { style: 'dark' } })))
    expect(await isDark(page)).toBe(true)
  })
})

describe('a NIC', () => {
  it('shows queues, interrupts and vCPUs', async () => {
    const page = await open(guestArchive('irq-affinity-drifted'), 'nic/enp0s8')
    const row = page.getByRole('row').filter({ hasText: '37 → 3, arrives on 0' })
    await row.waitFor()
    expect(await row.textContent()).toContain('IRQ 37 on CPU 3 shared with queue 1, 3')
    await expectFits(page)
  })

  it('measures the load of each queue while the switch is on', async () => {
    const page = await open(guestArchive('debian-6.12-4cpu-4q'), 'nic/enp0s8')
    const live = page.getByRole('switch', { name: 'Live load' })
    await live.focus()
    await page.keyboard.press('Space')
    await page.getByText('0 interrupts/s').first().waitFor()
    await page.keyboard.press('Space')
    await expect.poll(() => page.getByText('interrupts/s').count()).toBe(0)
    await expectFits(page)
  })

  it('explains the limit, with remedies to copy', async () => {
    const page = await open(guestArchive('host-limits-2of4'), 'nic/enp0s8/explain')
    await page.getByText('min(vCPUs 4, host 2) = 2').waitFor()
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: /^Copy step 1 of QEMU\/KVM/ }).click()
    await expect
      .poll(() => page.evaluate(() => navigator.clipboard.readText()))
      .toBe('Please give the virtio-net interface with MAC 52:54:00:77:00:00 4 queue pairs (it has 2).')
    // Some files of other writers are for root only; nothing here insists.
    expect(cockpit.spawned.map(({ superuser }) => superuser)).not.toContain('require')
    await expectFits(page)
  })

  it('says when the NIC is gone', async () => {
    const page = await open(guestArchive('two-nics'), 'nic/eth77')
    await page.getByText('No NIC eth77').waitFor()
    await expectFits(page)
  })
})

describe('drift', () => {
  it('is empty, and shows within three seconds what a file of the daemon tells, without reading in between', async () => {
    const root = capturedRoot('debian-6.12-4cpu-4q')
    onTestFinished(() => rmSync(root, { recursive: true, force: true }))
    mkdirSync(`${root}/var/lib/vqtune`, { recursive: true })
    const page = await open(root, 'drift')
    await page.getByText('No drift recorded').waitFor()
    await expectFits(page)
    const before = cockpit.spawned.length
    appendFileSync(`${root}/var/lib/vqtune/drift.jsonl`, record('ethtool', '2026-03-01T10:00:00.000Z'))
    await page.getByText('by ethtool').waitFor({ timeout: 3000 })
    expect(await page.getByText('process 4711 (ethtool)').count()).toBe(1)
    expect(cockpit.spawned.length).toBeLessThanOrEqual(before + 4)
  })

  it('shows long histories the newest first, by NIC', async () => {
    const root = capturedRoot('debian-6.12-4cpu-4q')
    onTestFinished(() => rmSync(root, { recursive: true, force: true }))
    mkdirSync(`${root}/var/lib/vqtune`, { recursive: true })
    const records = Array.from({ length: 60 }, (_, i) =>
      record(`writer${i}`, new Date(Date.UTC(2026, 2, 1, 10, i)).toISOString()),
    )
    const other = record('tuned', '2026-03-02T10:00:00.000Z').replace('eth0', 'eth1')
    appendFileSync(`${root}/var/lib/vqtune/drift.jsonl`, `${records.join('')}${other}`)
    const page = await open(root, 'drift')
    const changes = page.getByRole('list', { name: 'Changes, the newest first' }).getByRole('listitem')
    await changes.first().waitFor()
    expect(await changes.count()).toBe(25)
    expect(await changes.first().textContent()).toContain('by tuned')
    await page.getByRole('combobox', { name: 'NIC' }).selectOption('eth0')
    await expect.poll(() => changes.first().textContent()).toContain('by writer59')
    await expectFits(page)
  })
})
