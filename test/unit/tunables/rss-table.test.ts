import { describe, expect, it } from 'vitest'
import type { ObservedNic, Obstacle, RssSpread, Step } from '../../../src/model'
import type { ToolResult } from '../../../src/system/system'
import { erased } from '../../../src/tunables/erased'
import { RSS_SPREAD, rssQueues, rssTable, tableChanges } from '../../../src/tunables/rss-table'
import { contextOf, desired, NIC, ONLINE, thrownBy, writingSystem } from '../../support/nic-context'
import { withChannels } from '../../support/simulated-kernel'

const { plan, restore } = erased(rssTable)
const HAND: RssSpread = {
  entries: [
    [0, 96],
    [2, 32],
  ],
}

function withTable(nic: ObservedNic, spread: RssSpread, size = 128): ObservedNic {
  const value = RSS_SPREAD.format(spread)
  const setting = { tunable: 'rss-table', key: 'table', value, label: 'RSS table', file: undefined }
  return { ...nic, rssTable: { size, spread }, settings: [...nic.settings, setting] }
}

const planFor = (nic: ObservedNic, isOn = true) =>
  plan(contextOf(nic, desired(nic.channels.current), { switches: { 'rss-table': isOn } }))

describe('the value of the RSS table', () => {
  it('is one text, whether made by the kernel or by hand', () => {
    for (const [text, spread] of [
      ['equal 4', { equal: 4 }],
      ['0:96 2:32', HAND],
    ] as const) {
      expect(RSS_SPREAD.format(spread)).toBe(text)
      expect(RSS_SPREAD.parse(text)).toEqual(spread)
    }
    for (const text of ['', 'equal', 'equal 0', 'equal -1', 'equal 999999', '4', '0:1,1:1', '0:1 ', 'x:1']) {
      expect(RSS_SPREAD.parse(text), text).toBeUndefined()
    }
  })

  it('names the queues that receive', () => {
    expect(rssQueues({ equal: 3 })).toEqual([0, 1, 2])
    expect(rssQueues(HAND)).toEqual([0, 2])
  })
})

describe('the RSS table', () => {
  it('is read only where it was asked for', () => {
    const { system } = writingSystem()
    expect(rssTable.read(system, NIC)).toEqual([])
    expect(rssTable.read(system, withTable(NIC, { equal: 2 }))).toEqual([
      { key: 'table', value: { equal: 2 }, label: 'RSS table' },
    ])
    expect(planFor(NIC)).toEqual({ steps: [], skips: [], notes: [] })
  })

  it.each([1, 2, 3, 8])('the default for %i of 4 channels is made anew', (stale) => {
    const { steps, skips } = planFor(withTable(NIC, { equal: stale }))
    const reason = `the table is the default for ${stale} channel${stale === 1 ? '' : 's'}; there are 4`
    expect(steps).toMatchObject([
      { tunable: 'rss-table', nic: 'eth2', key: 'table', old: `equal ${stale}`, new: 'equal 4', reason },
    ])
    expect(skips).toEqual([])
  })

  it('the default for all channels, or for all that a smaller table can name, stays', () => {
    expect(planFor(withTable(NIC, { equal: 4 }))).toEqual({ steps: [], skips: [], notes: [] })
    expect(planFor(withTable(NIC, { equal: 2 }, 2)).steps).toEqual([])
  })

  it('that cannot be read is told, unless nobody cares for it', () => {
    const unknown: ObservedNic = { ...NIC, rssTable: 'unknown' }
    const why = 'ethtool -x fails: the RSS table is unknown'
    expect(planFor(unknown)).toEqual({
      ...{ steps: [], notes: [] },
      skips: [{ nic: 'eth2', tunable: 'rss-table', code: 'unknown-table', why }],
    })
    expect(planFor(unknown, false).skips).toEqual([])
    expect(rssTable.read(writingSystem().system, unknown)).toEqual([])
    // A table without a setting, as after an unknown value.
    expect(planFor({ ...NIC, rssTable: { size: 128, spread: { equal: 2 } } }).steps).toEqual([])
  })

  it('one made by hand is left alone, and told with the queues that it leaves out', () => {
    expect(planFor(withTable(NIC, HAND))).toEqual({
      ...{ steps: [], skips: [] },
      notes: [
        'the RSS table was made by hand (queue:entries 0:96 2:32) and is left alone; a device that obeys it sends nothing to queue 1, 3',
      ],
    })
    const all: RssSpread = { entries: ONLINE.map((queue) => [queue, queue + 1] as const) }
    expect(planFor(withTable(NIC, all)).notes).toEqual([
      'the RSS table was made by hand (queue:entries 0:1 1:2 2:3 3:4) and is left alone',
    ])
  })

  it('is only told where the configuration says so', () => {
    expect(planFor(withTable(NIC, { equal: 2 }), false)).toEqual({
      ...{ steps: [], skips: [] },
      notes: ['the RSS table is the default for 2 channels of 4'],
    })
  })

  it('is not made anew where channels cannot be changed; an unknown maximum does not hinder', () => {
    const stale = withTable(NIC, { equal: 2 })
    const hindered = (obstacle: Obstacle) => planFor({ ...stale, obstacle })
    expect(hindered({ code: 'xdp', why: 'an XDP program is attached' })).toEqual({
      ...{ steps: [], notes: [] },
      skips: [
        {
          ...{ nic: 'eth2', tunable: 'rss-table', code: 'xdp' },
          why: 'the RSS table is the default for 2 channels of 4: an XDP program is attached',
        },
      ],
    })
    expect(hindered({ code: 'unknown-maximum', why: 'why' }).steps).toHaveLength(1)
  })

  it('is restored to the default for another count, never to one made by hand', () => {
    const [setting] = withTable(NIC, { equal: 4 }).settings.filter(({ tunable }) => tunable === 'rss-table')
    if (setting === undefined) throw new Error('no setting')
    expect(restore(NIC, setting, 'equal 2', ONLINE, 'why')).toMatchObject({ old: 'equal 4', new: 'equal 2' })
    expect(restore(NIC, setting, 'equal 4', ONLINE, 'why')).toBeUndefined()
    expect(restore(NIC, setting, '0:96 2:32', ONLINE, 'why')).toBeUndefined()
    // Nor is that replaced.
    expect(restore(NIC, { ...setting, value: '0:96 2:32' }, 'equal 2', ONLINE, 'why')).toBeUndefined()
  })
})

describe('the order of its commands', () => {
  it('tries whether channels can be changed first, and changes them last', () => {
    expect(tableChanges(2, 4, 4)).toEqual([
      { channels: 1 },
      { channels: 4 },
      'default',
      { channels: 3 },
      { channels: 4 },
    ])
    // There is nothing below one queue, and nothing that a table of more could not do without.
    for (const from of [1, 4, 8]) expect(tableChanges(from, 4, 4)[0]).toEqual({ channels: 3 })
    expect(tableChanges(1, 2, 2)).toEqual([
      { channels: 1 },
      { channels: 2 },
      'default',
      { channels: 1 },
      { channels: 2 },
    ])
  })

  it('makes the default for another count with that count', () => {
    expect(tableChanges(4, 2, 4)).toEqual([{ channels: 2 }, 'default', { channels: 4 }])
    expect(tableChanges(2, 8, 4)).toEqual([{ channels: 8 }, 'default', { channels: 4 }])
  })

  const OK: ToolResult = { code: 0, stdout: '', stderr: '' }
  /** Runs the step where ethtool answers so, in order. */
  async function make(answers: readonly ToolResult[], queues = 4, old = 'equal 2', wanted = 'equal 4') {
    const { system } = writingSystem()
    const calls: string[] = []
    Object.assign(system, {
      list: () => Array.from({ length: queues }, (_, i) => [`rx-${i}`, `tx-${i}`]).flat(),
      run: async (tool: string, args: readonly string[]) => {
        calls.push([tool, ...args].join(' '))
        return answers[calls.length - 1] ?? OK
      },
    })
    const [found] = planFor(withTable(withChannels(NIC, 4, ONLINE), { equal: 2 })).steps
    const step = { ...(found as Step), old, new: wanted }
    return { calls, thrown: await thrownBy(() => erased(rssTable).write(system, step)) }
  }
  const failing = (stderr: string): ToolResult => ({ code: 1, stdout: '', stderr })

  it('runs them one after the other', async () => {
    expect(await make([])).toEqual({
      calls: [
        'ethtool -L eth2 combined 1',
        'ethtool -L eth2 combined 4',
        'ethtool -X eth2 default',
        'ethtool -L eth2 combined 3',
        'ethtool -L eth2 combined 4',
      ],
      thrown: 'nothing',
    })
    // A record of another version, or of an older ethtool's answer.
    const { calls } = await make([failing('combined unmodified, ignoring\n')], 4, 'x')
    expect([calls.length, calls[0]]).toEqual([5, 'ethtool -L eth2 combined 3'])
    expect((await make([], 4, '0:96 2:32')).calls[0]).toBe('ethtool -L eth2 combined 3')
    expect((await make([], 4, 'equal 4', 'equal 2')).calls).toEqual([
      'ethtool -L eth2 combined 2',
      'ethtool -X eth2 default',
      'ethtool -L eth2 combined 4',
    ])
  })

  it('leaves a table alone that the kernel does not take for its own', async () => {
    const text = 'requested channel counts are too low for existing indirection table settings'
    const { calls, thrown } = await make([failing(`netlink error: ${text} (offset 36)\n`)])
    expect(calls).toEqual(['ethtool -L eth2 combined 1'])
    expect(thrown).toBe(
      `refused as rss-table: the RSS table (equal 2) was made by hand and is left alone; rss-table = false in vqtune.toml keeps it without trying (kernel: ${text})`,
    )
  })

  it.each([
    ['Operation not permitted', 'permission: eth2: making the RSS table needs CAP_NET_ADMIN'],
    ['No such device', 'vanished: eth2: the NIC went away'],
    [
      'Invalid argument',
      'refused as refused: the RSS table cannot be made anew without a change of channels',
    ],
  ])('says why the first was refused: %s', async (text, expected) => {
    const { calls, thrown } = await make([failing(`netlink error: ${text}\n`)])
    expect(calls).toHaveLength(1)
    expect(thrown).toContain(expected)
  })

  it('says how to go on when a later one fails', async () => {
    const busy = failing('netlink error: Device or resource busy\n')
    expect((await make([OK, OK, OK, busy])).thrown).toBe(
      'tool-failed: eth2: ethtool -L eth2 combined 3 failed in the middle of making the RSS table anew: Device or resource busy; to finish: ethtool -L eth2 combined 3; ethtool -L eth2 combined 4',
    )
    expect((await make([OK, failing('netlink error: No such device\n')])).thrown).toContain('vanished: ')
  })

  it('does nothing with a single channel, or for a table that nobody plans', async () => {
    expect(await make([], 1)).toEqual({
      calls: [],
      thrown: 'vanished: eth2: its channels were changed before the RSS table could be',
    })
    await expect(make([], 4, 'equal 2', '0:1')).rejects.toThrow(TypeError)
  })
})
