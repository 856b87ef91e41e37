import { describe, expect, it } from 'vitest'
import { describeTraced, parseTrace, readTracedWrites, tracedWriter } from '../../../src/drift/writer-trace'
import { processFiles, systemFailing, systemWith } from '../../support/systems'

/** As kernel 6.12 and 4.18 print it. */
const TRACE = `# tracer: nop
#
# entries-in-buffer/entries-written: 4/4   #P:4
#
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
         ethtool-532     [001] .....   100.000001: channels: (virtnet_set_channels+0x0/0x120 [virtio_net]) count=2
            node-77      [000] .....   100.500000: irq_affinity_list: (irq_affinity_list_proc_write+0x0/0x30)
 set-irq-a b-1-600 [003] d...   101.25: irq_affinity: (irq_affinity_proc_write+0x0/0x30)
            bash-601     (-------) [002] ..... 102.5: xps: (xps_cpus_store+0x0/0x30)
garbage
            bash-601     [002] .....   103.5: other: (x+0x0/0x30)
`
const PATH = '/sys/kernel/tracing/instances/vqtune/trace'

describe('what the kernel noted', () => {
  it('is read from lines of either form, with names that hold blanks and dashes', () => {
    expect(parseTrace(TRACE)).toEqual([
      { tunable: 'channels', name: 'ethtool', pid: 532, at: 100.000001, count: 2 },
      { tunable: 'irq-affinity', name: 'node', pid: 77, at: 100.5 },
      { tunable: 'irq-affinity', name: 'set-irq-a b-1', pid: 600, at: 101.25 },
      { tunable: 'xps', name: 'bash', pid: 601, at: 102.5 },
    ])
  })

  it('is that of others, later than the last change; none where nothing is noted or may be read', () => {
    const system = systemWith({ [PATH]: TRACE })
    expect(readTracedWrites(system, 77, 100.1).map(({ pid }) => pid)).toEqual([600, 601])
    const old = systemWith({ '/sys/kernel/debug/tracing/instances/vqtune/trace': TRACE })
    expect(readTracedWrites(old, 77, 0)).toHaveLength(3)
    expect(readTracedWrites(systemWith({}), 77, 0)).toEqual([])
    expect(readTracedWrites(systemFailing('EACCES'), 77, 0)).toEqual([])
  })

  it('tells the service that started it, if root runs it', () => {
    const trace = `tuned-500 [001] ..... 99.9: sched_process_fork: comm=tuned pid=500 child_comm=tuned child_pid=532
ethtool-532 [001] ..... 100.1: channels: (virtnet_set_channels+0x0/0x120) count=2
`
    const write = { tunable: 'channels', name: 'ethtool', pid: 532, at: 100.1, count: 2 }
    const of = (uid: number) =>
      readTracedWrites(systemWith({ [PATH]: trace, ...processFiles(500, 'tuned', { uid }) }), 1, 0)
    expect(of(0)).toEqual([{ ...write, parent: { name: 'tuned', pid: 500 } }])
    expect(of(1000)).toEqual([write])
    expect(describeTraced(systemWith({}), of(0)[0] ?? write)).toBe(
      'ethtool (pid 532, started by tuned 500) set 2 channels, as the kernel noted',
    )
  })

  it('names the last that set this value, and none of several that wrote masks', () => {
    const [ethtool, ...others] = parseTrace(TRACE)
    if (ethtool === undefined) throw new Error('no write')
    const later = { ...ethtool, pid: 540, at: 200 }
    expect(tracedWriter([ethtool, later], 'channels', '2')).toEqual(later)
    expect(tracedWriter([ethtool], 'channels', '3')).toBeUndefined()
    const { count: _, ...uncounted } = ethtool
    expect(tracedWriter([uncounted], 'channels', '3')).toEqual(uncounted)
    expect(tracedWriter(others, 'irq-affinity', 'x')).toBeUndefined()
    expect(tracedWriter(others, 'xps', 'x')?.name).toBe('bash')
  })

  it('is told with what is known of a process that still runs, if it is the same', () => {
    const write = { tunable: 'xps', name: 'bash', pid: 601, at: 1 }
    const files = { ...processFiles(601, 'bash', { cmdline: '-bash\0' }), '/proc/601/loginuid': '1000' }
    expect(describeTraced(systemWith(files), write)).toBe(
      'bash (pid 601, command -bash, login uid 1000) wrote it, as the kernel noted',
    )
    expect(describeTraced(systemWith(processFiles(601, 'sleep')), { ...write, count: 2 })).toBe(
      'bash (pid 601) set 2 channels, as the kernel noted',
    )
    const long = systemWith(processFiles(601, 'bash', { cmdline: `bash\0${'x'.repeat(99)}` }))
    expect(describeTraced(long, write)).toMatch(/^bash \(pid 601, command bash x{52}\.\.\.\) wrote it/)
  })
})
