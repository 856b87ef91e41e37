import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Browser, leastContrast, overflowing, VIEWS } from '../support/browser'
import { capturedRoot, vqtune } from '../support/bundle'
import { expectSchema } from '../support/schema'

/** Pages of captured guests: idle, so that it is the layout that is judged. One with traffic is in test/vm. */
let browser: Browser
const directory = mkdtempSync(join(tmpdir(), 'vqtune-report-'))
beforeAll(async () => {
  browser = await Browser.start()
}, 120_000)
afterAll(async () => {
  await browser?.close()
  rmSync(directory, { recursive: true, force: true })
}, 60_000)

it.each(['many-cpus', 'debian-6.12-4cpu-4q', 'bond'])(
  '%s: --all, JSON as the schema says, and a page that fits',
  async (guest) => {
    const file = join(directory, `${guest}.html`)
    const { code, stdout, stderr } = await vqtune([
      ...['report', '--all', '--window', '1', '--json', '--html', file],
      ...['--root', capturedRoot(guest)],
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const report = JSON.parse(stdout) as {
      nics: { name: string; queues: unknown[]; conditions: { id: string; answer: string }[] }[]
    }
    expectSchema('report', report)
    expect(report.nics.length).toBeGreaterThan(0)
    // Nothing moved between two looks at a captured tree.
    for (const { conditions } of report.nics) {
      const answers = new Map(conditions.map(({ id, answer }) => [id, answer]))
      for (const id of ['large-packets', 'many-connections', 'small-outgoing'])
        expect(answers.get(id)).toBe('inconclusive')
    }
    for (const view of VIEWS) {
      const page = await browser.openAlone(file, view)
      try {
        expect(await page.locator('h2').allTextContents()).toEqual(
          expect.arrayContaining(
            report.nics.map(({ name }) => expect.stringMatching(new RegExp(`^${name}: \\d+ channels?$`))),
          ),
        )
        expect(await page.locator('.map tbody tr').count()).toBe(
          report.nics.reduce((sum, nic) => sum + nic.queues.length, 0),
        )
        expect(await overflowing(page), `${view.width} px`).toEqual([])
        expect((await leastContrast(page)).ratio, view.scheme).toBeGreaterThanOrEqual(4.5)
        for (const box of await page.locator('.row svg').all()) {
          const { width = 0, height = 0 } = (await box.boundingBox()) ?? {}
          expect(Math.min(width, height)).toBeGreaterThan(10)
          if (view.width === 1280) break
        }
      } finally {
        await page.close()
      }
    }
  },
)

it('refuses a NIC together with --all, and a window that is none', async () => {
  const root = capturedRoot('two-nics')
  const both = await vqtune(['report', 'eth0', '--all', '--root', root])
  expect(both).toMatchObject({ code: 2, stdout: '' })
  expect(both.stderr).toContain('report: eth0 or --all, not both')
  const window = await vqtune(['report', '--window', '0', '--root', root])
  expect(window).toMatchObject({ code: 2, stdout: '' })
  expect(window.stderr).toContain('--window 0: must be 1 to 3600')
})
