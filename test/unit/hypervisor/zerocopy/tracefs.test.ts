/** On files in place of tracefs; the kernel's own is tested in guests. */
import { readFileSync, rmSync } from 'node:fs'
import { expect, it } from 'vitest'
import { findTracefs, SuccessProbe } from '../../../../src/hypervisor/zerocopy/tracefs'
import { systemWith } from '../../../support/systems'

const TRACEFS = '/sys/kernel/tracing'
const OWN = `${TRACEFS}/events/vqtune/zerocopy_77`
const FETCHES = ['$arg3:u8', '%dx:u8']

/** A tracefs whose files are regular ones: what was written to them can be read, and nothing happens. */
function tracefsWith(files: Readonly<Record<string, string>>) {
  const system = systemWith(files)
  const text = (path: string) => readFileSync(`${system.paths.root}${path}`, 'utf8')
  return { system, text, start: () => SuccessProbe.start(system, 'vhost_net:f', FETCHES, 77) }
}
const RUNNING = { '/proc/77/comm': 'vqtune\n' }
const EMPTY = { ...RUNNING, [`${TRACEFS}/kprobe_events`]: '', [`${OWN}/trigger`]: '' }

it('refuses without tracefs, and never mounts it', () => {
  expect(() => findTracefs(systemWith({ '/sys/kernel/x': '' }))).toThrow(
    /^tracefs is not mounted; run mount -t tracefs/,
  )
  expect(() => findTracefs(systemWith({ '/sys/kernel/tracing/events/enable': '' }))).toThrow(
    'CONFIG_KPROBE_EVENTS',
  )
  const system = systemWith({ '/sys/kernel/debug/tracing/kprobe_events': '' })
  expect(findTracefs(system)).toBe(`${system.paths.root}/sys/kernel/debug/tracing`)
})

it('is not to be seen by others than root', () => {
  const denied = () => {
    throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
  }
  const system = Object.assign(Object.create(systemWith({})), { list: denied })
  expect(() => findTracefs(system)).toThrow(
    expect.objectContaining({ kind: 'permission', message: expect.stringContaining('run as root') }),
  )
})

it('a probe is one event with a histogram, appended to those of others', () => {
  const others = 'p:other/event do_sys_open\n'
  const { text, start } = tracefsWith({ ...EMPTY, [`${TRACEFS}/kprobe_events`]: others })
  start()
  expect(text(`${TRACEFS}/kprobe_events`)).toBe(
    `${others}p:vqtune/zerocopy_77 vhost_net:f success=$arg3:u8\n`,
  )
  expect(text(`${OWN}/trigger`)).toBe('hist:keys=success\n')
})

it('its counts are those of the histogram; none before there is one', () => {
  const hist = { [`${OWN}/hist`]: '{ success:          1 } hitcount:          5\n' }
  expect(
    tracefsWith({ ...EMPTY, ...hist })
      .start()
      .counts(),
  ).toEqual(new Map([[1, 5]]))
  expect(tracefsWith(EMPTY).start().counts()).toEqual(new Map())
})

it('it is removed with its trigger first, which would keep it busy', () => {
  const { system, text, start } = tracefsWith(EMPTY)
  const probe = start()
  probe.remove()
  expect(text(`${OWN}/trigger`)).toBe('hist:keys=success\n!hist:keys=success\n')
  expect(text(`${TRACEFS}/kprobe_events`).split('\n')[1]).toBe('-:vqtune/zerocopy_77')
  // What is not there any more needs no removal; what cannot be removed is named, with the command.
  rmSync(`${system.paths.root}${TRACEFS}/kprobe_events`)
  expect(() => probe.remove()).toThrow(
    /kprobe_events: cannot remove vqtune\/zerocopy_77: ENOENT.*to remove it: echo '-:vqtune\/zerocopy_77' >> \S+\/kprobe_events$/,
  )
  rmSync(`${system.paths.root}${OWN}`, { recursive: true })
  probe.remove()
})

it('events of vqtune processes that were killed are removed, those of living ones and of others are not', () => {
  const event = (name: string) => ({ [`${TRACEFS}/events/vqtune/${name}/trigger`]: '' })
  const { text, start } = tracefsWith({
    ...{ ...EMPTY, '/proc/5/comm': 'vqtune\n' },
    ...{ ...event('zerocopy_4'), ...event('zerocopy_5'), ...event('other') },
  })
  start()
  const removed = text(`${TRACEFS}/kprobe_events`).match(/^-:.*$/gm)
  expect(removed).toEqual(['-:vqtune/zerocopy_4'])
})

it('a kernel that takes no way to fetch the argument refuses the probe', () => {
  const { start } = tracefsWith({ [`${TRACEFS}/kprobe_events/x`]: '' })
  expect(start).toThrow(
    expect.objectContaining({
      kind: 'unsupported',
      message: expect.stringMatching(/kprobe_events: the kernel refused the probe: EISDIR/),
    }),
  )
})

it('without histogram triggers there is no probe, and the event goes again', () => {
  const { text, start } = tracefsWith({ ...RUNNING, [`${TRACEFS}/kprobe_events`]: '', [`${OWN}/format`]: '' })
  expect(start).toThrow('this kernel has no histogram triggers (CONFIG_HIST_TRIGGERS)')
  expect(text(`${TRACEFS}/kprobe_events`)).toMatch(/^p:vqtune\/zerocopy_77 .*\n-:vqtune\/zerocopy_77\n$/m)
})
