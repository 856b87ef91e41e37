/** The page for Cockpit in a real browser: what it shows is what the built vqtune says of captured and generated guests. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { source as axeSource } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { Browser, overflowing, type View } from '../support/browser'
import { capturedRoot } from '../support/bundle'
import { guestArchive } from '../support/captured-guest'
import { CockpitPage, stateIn } from '../support/cockpit'
import { generateTree } from '../support/generated-tree'
import { recorded } from '../unit/hypervisor/recorded'

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
        run(options: { resultTypes: string[] }): Promise<{
          violations: { id: string; help: string; nodes: { html: string; any: { message: string }[] }[] }[]
        }>
      }
    }
    const { violations } = await axe.run({ resultTypes: ['violations'] })
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, any }) => `${id}: ${help}: ${html.slice(0, 200)} ${any[0]?.message ?? ''}`),
    )
  })
}

/** On a small dark screen and on a large light one; of what is a variant of another state, the small one tells enough. */
async function expectFits(page: Page, views = [NARROW, WIDE]): Promise<void> {
  for (const { width, scheme } of views) {
    await page.setViewportSize({ width, height: 900 })
    await page.emulateMedia({ colorScheme: scheme })
    await expect.poll(() => isDark(page)).toBe(scheme === 'dark')
    // A tooltip leaves in steps of its own: the layout moves its button from under the pointer.
    await page.mouse.move(0, 0)
    await expect.poll(() => page.getByRole('tooltip').count()).toBe(0)
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
    expect(await stateIn(row)).toEqual([...['Drift', '4', '4', '4', 'vCPUs', '1 of 4']])
    expect(await page.getByText('1 NIC, drift on 1. Online vCPUs: 0-3.').count()).toBe(1)
    await expectFits(page)
  })

  it('says so where there is no NIC, and where the daemon is off', async () => {
    const tree = generateTree(2, [])
    onTestFinished(() => tree.remove())
    const page = await open(tree.root)
    await page.getByText('No virtio-net NIC').waitFor()
    expect(await page.getByText('vqtuned is not running').count()).toBe(1)
    await expectFits(page, [NARROW])
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
    await expectFits(page, [NARROW])
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
    await expectFits(page, [NARROW])
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
    await expectFits(page, [NARROW])
  })
})

describe('drift', () => {
  it('is empty, and shows at once what a file of the daemon tells, without reading in between', async () => {
    const root = capturedRoot('debian-6.12-4cpu-4q')
    onTestFinished(() => rmSync(root, { recursive: true, force: true }))
    mkdirSync(`${root}/var/lib/vqtune`, { recursive: true })
    const page = await open(root, 'drift')
    await page.getByText('No drift recorded').waitFor()
    await expectFits(page, [NARROW])
    const before = cockpit.spawned.length
    appendFileSync(`${root}/var/lib/vqtune/drift.jsonl`, record('ethtool', '2026-03-01T10:00:00.000Z'))
    await page.getByText('by ethtool').waitFor()
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

/** One NIC with 2 of 4 channels, on a tree that may be written. */
function writableGuest(): string {
  const tree = generateTree(4, [{ name: 'eth0', maximum: 4, current: 2, counts: [1, 4], vectors: true }])
  onTestFinished(() => tree.remove())
  return tree.root
}

const privileged = () =>
  cockpit.spawned.filter(({ superuser }) => superuser === 'require').map(({ argv }) => argv.join(' '))

describe('changes', () => {
  it('shows the plan, applies it once it is confirmed, and rolls back; only that is privileged', async () => {
    const page = await open(writableGuest(), 'nic/eth0')
    const dialog = page.getByRole('dialog')
    // With the keyboard alone.
    await page.getByRole('button', { name: 'Apply…' }).focus()
    await page.keyboard.press('Enter')
    await dialog.getByText('one queue pair for each of 4 online vCPUs').waitFor()
    await expectFits(page)
    expect(privileged()).toEqual([])
    await dialog.getByRole('button', { name: 'Apply 1 change' }).focus()
    await page.keyboard.press('Enter')
    await dialog.getByText('Done: 1 change.').waitFor()
    expect(privileged()).toEqual(['vqtune apply --json eth0'])
    await page.keyboard.press('Escape')
    // What was shown before has been read again.
    await page.getByText('4 (vCPUs)').waitFor()
    await page.getByText('Converged').waitFor()
    await page.getByRole('button', { name: 'Apply…' }).click()
    await dialog.getByText('Nothing to do: all is as desired.').waitFor()
    expect(await dialog.getByRole('button', { name: 'Apply' }).isDisabled()).toBe(true)
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Roll back…' }).click()
    await dialog.getByRole('button', { name: 'Roll back 1 change' }).click()
    await dialog.getByText('Done: 1 change.').waitFor()
    expect(privileged().slice(1)).toEqual(['vqtune rollback --json eth0'])
    await dialog.getByRole('button', { name: 'Close', exact: true }).last().click()
    // Held, until somebody applies.
    await page.getByText('rolled back; vqtune apply eth0 resumes tuning').waitFor()
    await page.getByRole('button', { name: 'Apply…' }).click()
    await dialog.getByRole('button', { name: 'Apply 1 change' }).waitFor()
    await expectFits(page, [NARROW])
  })

  it('asks for administrative access, and changes nothing without it', async () => {
    cockpit.session.isAdmin = false
    const root = writableGuest()
    const page = await open(root)
    await page.getByRole('button', { name: 'Apply…' }).click()
    await page.getByRole('button', { name: 'Apply 1 change' }).click()
    await page.getByText('This needs administrative access.').waitFor()
    expect(readFileSync(`${root}/sys/class/net/eth0/current`, 'utf8')).toBe('2\n')
    await expectFits(page, [NARROW])
  })

  it('says what the kernel refused', async () => {
    const root = writableGuest()
    writeFileSync(`${root}/refuse.eth0`, 'netlink error: Invalid argument\n')
    const page = await open(root)
    await page.getByRole('button', { name: 'Apply…' }).click()
    await page.getByRole('button', { name: 'Apply 1 change' }).click()
    await page.getByText('channels 2 -> 4 refused by the kernel: Invalid argument').first().waitFor()
    await expectFits(page, [NARROW])
  })

  it('sets one key for one NIC: the difference first, then the file; and removes it', async () => {
    const root = writableGuest()
    const file = `${root}/etc/vqtune/conf.d/70-set.toml`
    mkdirSync(dirname(file), { recursive: true })
    const page = await open(root, 'configuration')
    await page.getByRole('button', { name: 'Change cap of eth0' }).click()
    const dialog = page.getByRole('dialog')
    const value = dialog.getByRole('textbox', { name: 'cap of eth0' })
    await value.fill('300')
    await dialog.getByRole('button', { name: 'Show the difference' }).click()
    await dialog.getByText('cap = 300: allowed is 1 to 256, or "none"').waitFor()
    expect(await dialog.getByRole('button', { name: 'Write' }).isDisabled()).toBe(true)
    await value.fill('3')
    await value.press('Enter')
    await dialog.getByText('+cap = 3').waitFor()
    await expectFits(page)
    expect(existsSync(file)).toBe(false)
    await dialog.getByRole('button', { name: 'Write' }).click()
    await dialog.getByText('Written to').waitFor()
    expect(readFileSync(file, 'utf8')).toContain('cap = 3\n')
    expect(privileged()).toEqual(['vqtune config set --json --nic eth0 -- cap 3'])
    await dialog.getByRole('button', { name: 'Close', exact: true }).last().click()
    await page.getByRole('row').filter({ hasText: '70-set.toml' }).waitFor()
    await page.getByRole('button', { name: 'Change cap of eth0' }).click()
    await dialog.getByRole('textbox').fill('')
    await dialog.getByRole('button', { name: 'Show the difference' }).click()
    await dialog.getByText('-cap = 3').waitFor()
    await dialog.getByRole('button', { name: 'Write' }).click()
    await expect.poll(() => existsSync(file)).toBe(false)
    await dialog.getByText('Written to').waitFor()
    await expectFits(page, [NARROW])
  })
})

it('a report shows conditions and queues of each NIC', async () => {
  const page = await open(guestArchive('two-nics'), 'report')
  await page.getByRole('textbox', { name: 'Seconds to measure' }).fill('0')
  await page.getByRole('button', { name: 'Measure' }).click()
  await page.getByText('--window 0: must be 1 to 3600').waitFor()
  await page.getByRole('textbox', { name: 'Seconds to measure' }).fill('1')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: /^enp0s9: \d channels?$/ }).waitFor()
  expect(
    await page.getByRole('grid', { name: 'Load of the queues of enp0s8' }).locator('tbody tr').count(),
  ).toBe(4)
  await expectFits(page)
})

it('a trial tells how far it is, and shows its result as a chart and as a table; it can be stopped', async () => {
  const root = writableGuest()
  writeFileSync(`${root}/proc/stat`, 'cpu  100 0 100 1000 0 0 0 0 0 0\ncpu0 100 0 100 1000 0 0 0 0 0 0\n')
  mkdirSync(`${root}/proc/net`)
  let bytes = 0
  const move = (): void => {
    bytes += 100_000
    const both = `${bytes} ${bytes / 100} 0 0 0 0 0 0`
    // Renamed into place: a reader finds it whole.
    writeFileSync(`${root}/proc/net/dev.new`, `Inter-|\n face |\n eth0: ${both} ${both}\n`)
    renameSync(`${root}/proc/net/dev.new`, `${root}/proc/net/dev`)
  }
  move()
  const traffic = setInterval(move, 10)
  onTestFinished(() => clearInterval(traffic))
  const page = await open(root, 'nic/eth0/trial')
  await page.getByRole('textbox', { name: /^Counts to compare/ }).fill('1, 2')
  await page.getByRole('textbox', { name: /^Rounds at most/ }).fill('1')
  await page.getByRole('textbox', { name: /^Seconds for each/ }).fill('0.5')
  await page.getByRole('button', { name: 'Start the trial' }).click()
  await page.getByText('Measurement 1 of at most 2').waitFor()
  await page
    .getByRole('img', {
      name: /^What was moved with each combination, compared with 2 channels: 1 channel: \d+ %$/,
    })
    .waitFor()
  const once = 'vqtune trial --json --progress --window 0.5'
  expect(privileged()).toEqual([`${once} --counts 1,2 --rounds 1 eth0`])
  expect(readFileSync(`${root}/sys/class/net/eth0/current`, 'utf8')).toBe('2\n')
  await expectFits(page)
  // Other settings instead of channels: then there are no counts to choose.
  const threaded = `${root}/sys/class/net/eth0/threaded`
  writeFileSync(threaded, '0\n')
  await page.getByRole('checkbox', { name: 'Channels' }).uncheck()
  expect(await page.getByRole('textbox', { name: /^Counts to compare/ }).count()).toBe(0)
  expect(await page.getByRole('button', { name: 'Start the trial' }).isDisabled()).toBe(true)
  await page.getByRole('checkbox', { name: 'Threaded NAPI' }).check()
  await page.getByRole('button', { name: 'Start the trial' }).click()
  await page
    .getByRole('img', {
      name: /compared with 2 channels, threaded-napi off: 2 channels, threaded-napi on: \d+ %$/,
    })
    .waitFor()
  await page.getByRole('gridcell', { name: '2 channels, threaded-napi on' }).waitFor()
  expect(privileged().at(-1)).toBe(`${once} --vary threaded-napi --rounds 1 eth0`)
  expect(readFileSync(threaded, 'utf8').trim()).toBe('0')
  await expectFits(page)
  await page.getByRole('textbox', { name: /^Seconds for each/ }).fill('600')
  await page.getByRole('button', { name: 'Start the trial' }).click()
  await page.getByText('Measurement 1 of at most 2').waitFor()
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.getByText('Stopped.').waitFor()
  await expect.poll(() => readFileSync(`${root}/sys/class/net/eth0/current`, 'utf8')).toBe('2\n')
})

describe('the daemon', () => {
  it('is not running', async () => {
    const page = await open(guestArchive('two-nics'), 'daemon')
    await page.getByText('Not running', { exact: true }).waitFor()
    await expectFits(page, [NARROW])
  })

  it('is running, with what it holds back; its end shows by itself', async () => {
    const root = writableGuest()
    const view = {
      ...{ version: 1, bootId: '8a9b7c6d-0000-4000-8000-000000000000', pid: 77, startTicks: '4242' },
      checkedAt: '2026-03-01T10:00:00.000Z',
      sources: [{ name: 'udev', state: 'down', why: 'udevadm ended' }],
      suspended: [{ nic: 'eth0', otherWriter: 'tuned', until: null, why: 'tuned insists' }],
      ...{ configValid: true, problems: [], recentDrift: [] },
    }
    mkdirSync(`${root}/run/vqtune`, { recursive: true })
    mkdirSync(`${root}/proc/77`)
    writeFileSync(`${root}/proc/77/stat`, `77 (vqtune) S ${'1 '.repeat(18)}4242 0\n`)
    writeFileSync(`${root}/run/vqtune/status.json`, JSON.stringify(view))
    const page = await open(root, 'daemon')
    await page.getByText('Running', { exact: true }).waitFor()
    expect(await page.getByRole('row').filter({ hasText: 'udevadm ended' }).count()).toBe(1)
    await expectFits(page)
    await page.getByRole('button', { name: 'Service and logs' }).click()
    expect(await page.evaluate(() => document.documentElement.dataset.jumped)).toBe(
      '/system/services#/vqtuned.service',
    )
    rmSync(`${root}/run/vqtune/status.json`)
    await page.getByText('Not running', { exact: true }).waitFor()
  })
})

describe('the host half', () => {
  it('says so where there is no hypervisor', async () => {
    const page = await open(writableGuest(), 'host')
    await page.getByText('No hypervisor to look at').waitFor()
    await expectFits(page, [NARROW])
  })

  it('shows findings, and what would be set', async () => {
    const root = writableGuest()
    const domain = recorded('web01.inactive.xml').replace("type='qemu'", "type='test'")
    writeFileSync(`${root}/node.xml`, `<node>\n${domain}</node>\n`)
    mkdirSync(`${root}/usr/bin`)
    symlinkSync('/usr/bin/virsh', `${root}/usr/bin/virsh`)
    cockpit.session.more = ([, verb]) =>
      verb === 'check' || verb === 'set-queues' ? ['--connect', `test://${root}/node.xml`] : []
    const page = await open(root, 'host')
    await page.getByText('one queue for 2 vCPUs').first().waitFor()
    await page.getByText('None: nothing has been changed on this hypervisor.').waitFor()
    await expectFits(page)
    await page.getByRole('textbox', { name: 'Queues: 1 to 256, or vcpus' }).fill('4')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').getByText("queues='4'").first().waitFor()
    expect(privileged()).toEqual([])
    await expectFits(page, [NARROW])
  })
})
