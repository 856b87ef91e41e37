/** Asked over a real socket; what answers there is in fake-irqbalance.ts. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import { askIrqbalance, NOT_ASKED, releaseInterrupts } from '../../../src/irqbalance/ask'
import { readStanding, requestPath } from '../../../src/irqbalance/record'
import { describeIrqbalance, readIrqbalanceState } from '../../../src/irqbalance/state'
import type { NicInterrupts } from '../../../src/irqbalance/wanted'
import type { System } from '../../../src/system/system'
import { startIrqbalance } from '../../support/fake-irqbalance'
import { processFiles, systemWith } from '../../support/systems'

const nic = (ifindex: number, irqs: readonly number[]): NicInterrupts => ({
  ...{ virtio: `virtio${ifindex}`, ifindex, name: `eth${ifindex}` },
  irqs,
})
const ETH2 = nic(2, [24, 25, 26, 27])
const ETH3 = nic(3, [34, 35, 36, 37])

let system: System
let root: string
beforeEach(() => {
  system = systemWith({ '/proc/sys/kernel/random/boot_id': 'this-boot\n' })
  root = system.paths.root
})
const plain = (text: string | undefined) => text?.replaceAll(root, '')

describe('irqbalance is asked', () => {
  it('to leave interrupts alone, and what others have banned stays', async () => {
    const irqbalance = await startIrqbalance(root, { banned: [5, 25] })
    const asked = await askIrqbalance(system, [ETH2])
    expect(asked).toEqual({
      pid: 812,
      nics: [ETH2],
      added: [24, 26, 27],
      released: [],
      problem: undefined,
    })
    expect(irqbalance.banned()).toEqual([5, 24, 25, 26, 27])
    expect(readStanding(system)).toMatchObject({ pid: 812, startTicks: '81277', nics: [ETH2], others: [25] })
    expect(irqbalance.messages.at(-1)).toBe('setup')
  })

  it('once: as long as it leaves them alone, only the list is read', async () => {
    const irqbalance = await startIrqbalance(root)
    await askIrqbalance(system, [ETH2])
    irqbalance.messages.length = 0
    expect(await askIrqbalance(system, [ETH2])).toEqual({ ...NOT_ASKED, pid: 812, nics: [ETH2] })
    expect(irqbalance.messages).toEqual(['setup'])
  })

  it('still for queues that are not in use at the moment, as long as the device has their interrupts', async () => {
    const irqbalance = await startIrqbalance(root)
    await askIrqbalance(system, [ETH2])
    const fewer = nic(2, [24, 25])
    const file = `${root}/proc/interrupts`
    writeFileSync(file, ' 26: 0 PCI-MSIX virtio2-input.1\n 27: 0 PCI-MSIX virtio20-input.1\n')
    expect(await askIrqbalance(system, [fewer])).toMatchObject({
      nics: [nic(2, [24, 25, 26])],
      released: [27],
    })
    expect(irqbalance.banned()).toEqual([24, 25, 26])
    irqbalance.messages.length = 0
    expect(await askIrqbalance(system, [fewer])).toMatchObject({ added: [], released: [] })
    expect(irqbalance.messages).toEqual(['setup'])
    expect((await askIrqbalance(system, [])).released).toEqual([24, 25, 26])
  })

  it('again when somebody has emptied its list, or another one runs', async () => {
    const first = await startIrqbalance(root)
    await askIrqbalance(system, [ETH2])
    first.ban([7])
    expect((await askIrqbalance(system, [ETH2])).added).toEqual(ETH2.irqs)
    expect(first.banned()).toEqual([7, ...ETH2.irqs])
    await first.stop()
    rmSync(`${root}/proc/812`, { recursive: true })
    rmSync(first.socket, { force: true })
    expect(readStanding(system)).toBeUndefined()
    const second = await startIrqbalance(root, { pid: 900, banned: [24] })
    expect((await askIrqbalance(system, [ETH2])).added).toEqual([25, 26, 27])
    // 24 was banned before.
    expect((await releaseInterrupts(system, undefined)).released).toEqual([25, 26, 27])
    expect(second.banned()).toEqual([24])
    expect(existsSync(requestPath(system))).toBe(false)
  })

  it('for more, for less, and for other numbers of the same NIC; gets back no more than was asked for', async () => {
    const irqbalance = await startIrqbalance(root, { banned: [5] })
    await askIrqbalance(system, [nic(2, [24, 25])])
    expect(await askIrqbalance(system, [ETH2, ETH3])).toMatchObject({
      added: [26, 27, ...ETH3.irqs],
      released: [],
    })
    expect(await askIrqbalance(system, [nic(2, [24, 40]), ETH3])).toMatchObject({
      added: [40],
      released: [25, 26, 27],
    })
    expect(irqbalance.banned()).toEqual([5, 24, ...ETH3.irqs, 40])
    expect((await releaseInterrupts(system, [ETH2])).released).toEqual([24, 40])
    expect(irqbalance.banned()).toEqual([5, ...ETH3.irqs])
    expect((await releaseInterrupts(system, [ETH2])).released).toEqual([])
    expect((await releaseInterrupts(system, undefined)).released).toEqual(ETH3.irqs)
    expect(irqbalance.banned()).toEqual([5])
  })

  it('not at all if it was not asked before and there is nothing to ask for', async () => {
    const irqbalance = await startIrqbalance(root)
    expect(await askIrqbalance(system, [])).toEqual({ ...NOT_ASKED, pid: 812 })
    expect(await releaseInterrupts(system, undefined)).toEqual({ ...NOT_ASKED, pid: 812 })
    expect(irqbalance.messages).toEqual([])
  })

  it('even if its process cannot be seen, as in the sandbox of the boot unit', async () => {
    const irqbalance = await startIrqbalance(root, { isVisible: false })
    expect((await askIrqbalance(system, [ETH2])).added).toEqual(ETH2.irqs)
    expect((await askIrqbalance(system, [ETH2])).added).toEqual([])
    expect((await releaseInterrupts(system, undefined)).released).toEqual(ETH2.irqs)
    expect(irqbalance.banned()).toEqual([])
  })

  it('with 64 queues: an old version takes what fits its buffer, and that is said; the newest takes all', async () => {
    const irqs = Array.from({ length: 128 }, (_, i) => 100 + i)
    const old = await startIrqbalance(root, { bufferBytes: 500 })
    const asked = await askIrqbalance(system, [nic(2, irqs)])
    expect(asked.problem).toBe(
      'irqbalance took 120 of 128 interrupts: its version reads no longer list; vqtune explain has other ways',
    )
    expect(old.banned()).toEqual(irqs.slice(0, 120))
    expect(asked.nics).toEqual([nic(2, irqs.slice(0, 120))])
    old.messages.length = 0
    expect(await askIrqbalance(system, [nic(2, irqs)])).toEqual({ ...asked, added: [] })
    expect(old.messages).toEqual(['setup'])
    const state = readIrqbalanceState(system, [nic(2, irqs)])
    expect(state && describeIrqbalance(state)).toMatch(
      /^irqbalance: asked to leave 120 interrupts alone: irqbalance took 120 of 128/,
    )
    await old.stop()
    rmSync(`${root}/proc/812`, { recursive: true })
    rmSync(old.socket, { force: true })
    const newest = await startIrqbalance(root, { pid: 900 })
    expect((await askIrqbalance(system, [nic(2, irqs)])).problem).toBeUndefined()
    expect(newest.banned()).toEqual(irqs)
  })
})

describe('it is told why irqbalance was not asked, and nothing is thrown', () => {
  it('none is running: what an earlier one was asked for is forgotten', async () => {
    expect(await askIrqbalance(system, [ETH2])).toEqual(NOT_ASKED)
    const irqbalance = await startIrqbalance(root)
    await askIrqbalance(system, [ETH2])
    await irqbalance.stop()
    rmSync(`${root}/run/irqbalance`, { recursive: true })
    rmSync(`${root}/proc/812`, { recursive: true })
    expect(await askIrqbalance(system, [ETH2])).toEqual(NOT_ASKED)
    expect(existsSync(requestPath(system))).toBe(false)
  })

  it('its socket is a leftover', async () => {
    mkdirSync(`${root}/run/irqbalance`, { recursive: true })
    writeFileSync(`${root}/run/irqbalance/irqbalance812.sock`, '')
    expect(await askIrqbalance(system, [ETH2])).toEqual(NOT_ASKED)
  })

  it.each([
    ['is silent', () => {}, 'no answer within 100 ms'],
    ['closes', (socket: { destroy(): void }) => void socket.destroy(), 'no answer'],
    [
      'talks nonsense',
      (socket: { end(text: string): void }) => void socket.end('HTTP/1.1 400\r\n\u001b[2J'),
      'an answer that is not understood (HTTP/1.1 400\\u000d\\u000a\\u001b[2J)',
    ],
  ])('it %s', async (_, behave, why) => {
    await startIrqbalance(root, { behave })
    const asked = await askIrqbalance(system, [ETH2], { answerMs: 100 })
    expect(asked).toMatchObject({ pid: 812, nics: [], added: [] })
    expect(plain(asked.problem)).toContain(
      `irqbalance cannot be asked: /run/irqbalance/irqbalance812.sock: ${why}`,
    )
    expect(asked.problem).not.toContain('\u001b')
    expect(readStanding(system)).toBeUndefined()
  })

  it('it answers without an end', async () => {
    const behave = (socket: { write(data: string): void }): void => {
      for (let i = 0; i < 40; i++) socket.write('x'.repeat(2 ** 16))
    }
    await startIrqbalance(root, { behave })
    expect((await askIrqbalance(system, [ETH2])).problem).toMatch(/its answer has no end$/)
  })

  it('its socket belongs to somebody else, or others could replace it', async () => {
    const irqbalance = await startIrqbalance(root)
    const foreign: System = Object.assign(Object.create(system) as System, {
      linkStat: (path: string) => {
        const facts = system.linkStat(path)
        return path.endsWith('.sock') && facts !== undefined ? { ...facts, uid: 1234 } : facts
      },
    })
    const asked = await askIrqbalance(foreign, [ETH2])
    expect(plain(asked.problem)).toMatch(
      /^irqbalance cannot be asked: \/run\/irqbalance\/irqbalance812\.sock: refused: it belongs to user 1234/,
    )
    expect(irqbalance.messages).toEqual([])
  })

  it('it is so old that it would crash', async () => {
    const irqbalance = await startIrqbalance(root)
    const unix = `0000000000000000: 00000002 00000000 00010000 0001 01 14 /run/irqbalance//irqbalance812.sock\n`
    mkdirSync(`${root}/proc/net`, { recursive: true })
    writeFileSync(`${root}/proc/net/unix`, unix)
    expect((await askIrqbalance(system, [ETH2])).problem).toMatch(/it is older than 1\.7/)
    expect(irqbalance.messages).toEqual([])
    expect(readIrqbalanceState(system, [ETH2])?.problem).toMatch(/^it is older than 1\.7/)
  })

  it('it has no socket; nothing is said of it if nothing would be asked', async () => {
    const files = { '/proc/sys/kernel/random/boot_id': 'this-boot\n', ...processFiles(77, 'irqbalance') }
    const without = systemWith(files)
    const asked = await askIrqbalance(without, [ETH2])
    expect(asked).toMatchObject({ pid: 77, nics: [] })
    expect(asked.problem).toBe(
      'irqbalance cannot be asked: PID 77 has no socket in /run/irqbalance: it is older than 1.7, or was built without one',
    )
    expect(await askIrqbalance(without, [])).toEqual({ ...NOT_ASKED, pid: 77 })
  })

  it('what it was asked for cannot be recorded: then it is not asked', async () => {
    const irqbalance = await startIrqbalance(root)
    const full: System = Object.assign(Object.create(system) as System, {
      replaceFile: () => {
        throw Object.assign(new Error('full'), { code: 'ENOSPC' })
      },
    })
    expect(plain((await askIrqbalance(full, [ETH2])).problem)).toBe(
      'irqbalance cannot be asked: /run/vqtune/irqbalance.json: cannot record what irqbalance was asked for (ENOSPC)',
    )
    expect(irqbalance.banned()).toEqual([])
  })
})

it.each(['{', '[]', '{"version":2}', 'null'])('a damaged record %s: nothing is given back', async (text) => {
  const irqbalance = await startIrqbalance(root, { banned: ETH2.irqs })
  mkdirSync(system.paths.runDir, { recursive: true })
  writeFileSync(requestPath(system), text)
  expect(await releaseInterrupts(system, undefined)).toEqual({ ...NOT_ASKED, pid: 812 })
  expect(irqbalance.banned()).toEqual(ETH2.irqs)
})

it('the record is of this boot, in one line that a person can read', async () => {
  await startIrqbalance(root)
  await askIrqbalance(system, [ETH2])
  expect(JSON.parse(readFileSync(requestPath(system), 'utf8'))).toMatchObject({
    version: 1,
    bootId: 'this-boot',
  })
  writeFileSync(system.paths.procBootId, 'another-boot\n')
  expect(readStanding(system)).toBeUndefined()
})
