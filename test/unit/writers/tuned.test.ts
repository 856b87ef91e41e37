import { describe, expect, test } from 'vitest'
import { activeSections, tuned } from '../../../src/writers/tuned'
import { processFiles, systemWith } from '../../support/systems'
import { foundBy, NIC, testFixture } from '../../support/writers'

const writersOf = (files: Readonly<Record<string, string>>, nic = NIC) => foundBy(tuned, files, nic)

const RUNNING = processFiles(900, 'tuned')
const PROFILE = (text: string) => ({
  ...RUNNING,
  '/etc/tuned/active_profile': 'web\n',
  '/etc/tuned/profiles/web/tuned.conf': text,
})

test('channels by an included vendor profile; the file with the value is named', () => {
  const files = {
    ...PROFILE(
      '#\n# tuned configuration\n#\n[main]\nsummary=Web\ninclude=network-latency,-more\n\n[sysctl]\nvm.swappiness=10\n',
    ),
    '/usr/lib/tuned/network-latency/tuned.conf':
      '[main]\ninclude=latency-performance\n[net]\ndevices=ens*, eth*\nchannels=combined 1\n',
    '/usr/lib/tuned/profiles/latency-performance/tuned.conf': '[cpu]\nforce_latency=1\n',
  }
  expect(writersOf(files)).toEqual([
    {
      writer: 'tuned',
      where: '/usr/lib/tuned/network-latency/tuned.conf:5',
      what: 'profile web sets channels = combined 1 in [net]',
      tunable: 'channels',
      matches: 'yes',
      remedy:
        'cp -r /usr/lib/tuned/network-latency /etc/tuned/network-latency, change the copy to be without channels=, then run systemctl restart tuned; or set on-conflict = "yield" for this NIC',
      value: '1',
    },
  ])
})

test.each([
  ['[net]\nchannels=combined 1\n', ['yes']],
  ['[net]\ndevices=eth*\nchannels=combined 1\n', []],
  ['[net]\ndevices=!ens3\nchannels=combined 1\n', []],
  [`[net]\ndevices=\${nics}\nchannels=combined 1\n`, ['maybe']],
  ['[my]\ntype=net\nchannels=combined 1\n', ['yes']],
  ['[net]\nenabled=false\nchannels=combined 1\n', []],
  ['[net]\nnf_conntrack_hashsize=1\n', []],
  ['[net]\ndevices_udev_regex=^ID_NET_DRIVER=virtio_net\nchannels=combined 1\n', ['yes']],
  ['[net]\ndevices_udev_regex=^ID_NET_DRIVER=ixgbe\nchannels=combined 1\n', []],
  ['[net]\ndevices_udev_regex=^ID_VENDOR=(\nchannels=combined 1\n', ['maybe']],
  ['[scheduler]\nisolated_cores=2-3\n', ['maybe']],
  ['[scheduler]\nisolated_cores=2-3\nirq_process=false\n', []],
  ['[irq]\naffinity=0-1\n', ['maybe']],
  ['[main]\ninclude=web\n[net]\nchannels=combined 1\n', ['yes']],
])('%j', (text, expected) => {
  expect(writersOf(PROFILE(text)).map((writer) => writer.matches)).toEqual(expected)
})

test('a child takes the channels of its parent back by replace=1', () => {
  const files = {
    ...PROFILE('[main]\ninclude=base\n[net]\nreplace=1\nwake_on_lan=0\n'),
    '/usr/lib/tuned/base/tuned.conf': '[net]\nchannels=combined 1\n',
  }
  expect(writersOf(files)).toEqual([])
})

test('not running now, it may still write at the next start', () => {
  const { '/proc/900/comm': _running, ...files } = PROFILE('[net]\nchannels=combined 1\n') as Record<
    string,
    string
  >
  expect(writersOf(files)).toMatchObject([
    { matches: 'maybe', where: '/etc/tuned/profiles/web/tuned.conf:2' },
  ])
})

describe('sections of several profiles', () => {
  const where = (own: string, included: string) =>
    writersOf({
      ...processFiles(900, 'tuned'),
      '/etc/tuned/active_profile': 'web\n',
      '/etc/tuned/profiles/web/tuned.conf': `[main]\ninclude=base\n${own}`,
      '/etc/tuned/profiles/base/tuned.conf': included,
    }).map((writer) => `${writer.matches} ${writer.where.split('/').at(-2)}`)

  test('the file with the last value is named', () => {
    const channels = '[net]\nchannels=combined 1\n'
    expect(where(channels, channels)).toEqual(['yes web'])
    expect(where('[net]\nwake_on_lan=d\n', channels)).toEqual(['yes base'])
    expect(where(channels, '[net]\nwake_on_lan=d\n')).toEqual(['yes web'])
    expect(where('[net]\nreplace=1\nwake_on_lan=d\n', channels)).toEqual([])
  })

  test('a pattern over properties that are not known here leaves it open', () => {
    const regex = (pattern: string) =>
      where('', `[net]\ndevices_udev_regex=${pattern}\nchannels=combined 1\n`)
    expect(regex('ID_PATH=x')).toEqual(['maybe base'])
    expect(regex('INTERFACE=eth9')).toEqual([])
    expect(regex('INTERFACE=ens3')).toEqual(['yes base'])
    expect(regex('(')).toEqual(['maybe base'])
  })
})

test.each([
  [
    '[scheduler]\nisolated_cores=2-3\n',
    'moves interrupts away from isolated_cores = 2-3 in [scheduler]',
    'with irq_process=false',
  ],
  [
    '[scheduler]\ndefault_irq_smp_affinity=3\n',
    'sets default_irq_smp_affinity = 3 in [scheduler]',
    'with default_irq_smp_affinity=ignore',
  ],
  ['[x]\ntype=irq\naffinity=0\n', 'sets IRQ affinity in [x]', 'without [x]'],
  [
    '[sysfs]\n/sys/class/net/ens3/queues/rx-0/rps_cpus=3\n',
    'writes 3 to /sys/class/net/ens3/queues/rx-0/rps_cpus in [sysfs]',
    'without /sys/class/net/ens3/queues/rx-0/rps_cpus=',
  ],
  [
    `[net]\nchannels=combined \${f:exec:nproc}\n`,
    `sets channels = combined \${f:exec:nproc} in [net] (unresolved: \${f:exec:nproc})`,
    'without channels=',
  ],
])('what %j does, and what takes it back', (text, what, undo) => {
  expect(writersOf(PROFILE(text)).map((writer) => [writer.what, writer.remedy])).toEqual([
    [
      `profile web ${what}`,
      `change /etc/tuned/profiles/web/tuned.conf to be ${undo}, then run systemctl restart tuned; or set on-conflict = "yield" for this NIC`,
    ],
  ])
})

describe('variables', () => {
  const value = (variables: string, channels: string) =>
    writersOf(PROFILE(`[variables]\n${variables}\n[net]\nchannels=combined ${channels}\n`))[0]?.value

  test.each([
    ['n=2', `\${n}`, '2'],
    ['n=2\nn=3', `\${n}`, '3'],
    [`n=\${m}\nm=2`, `\${n}`, '2'],
    ['n=1', `\${n}\${n}`, '11'],
    // Those that never end, grow without end, or are not known.
    [`n=\${m}\nm=\${n}`, `\${n}`, undefined],
    [`n=\${n}\${n}`, `\${n}`, undefined],
    ['m=2', `\${n}`, undefined],
  ])('%j: %s is %s', (variables, channels, expected) => {
    expect(value(variables, channels)).toBe(expected)
  })
})

test('the profile that is loaded after the active one counts, too, and over it', () => {
  const files = {
    ...PROFILE('[net]\nchannels=combined 1\n'),
    '/etc/tuned/post_loaded_profile': 'post\n',
    '/etc/tuned/post/tuned.conf': '[net]\nchannels=combined 3\n',
  }
  expect(writersOf(files)).toMatchObject([
    { where: '/etc/tuned/post/tuned.conf:2', what: 'profile web post sets channels = combined 3 in [net]' },
  ])
})

describe('sections of profiles', () => {
  const sections = (files: Readonly<Record<string, string>>, ...profiles: string[]) => {
    const system = systemWith(files)
    return activeSections(system, profiles).map(
      ({ name, options, where }) =>
        `${name} ${[...options].map((pair) => pair.join('=')).join()} ${where.replace(system.paths.root, '')}`,
    )
  }
  const BASE = '/usr/lib/tuned/base/tuned.conf'
  const WEB = '/etc/tuned/web/tuned.conf'

  test('are merged, included ones first; [main] and [variables] are none', () => {
    const files = {
      [BASE]: '[cpu]\ngovernor=performance\n[net]\na=1\nb=1\n',
      [WEB]: '[main]\ninclude=base\n[variables]\nn=1\n[net]\nb=2\n',
    }
    expect(sections(files, 'web')).toEqual([`cpu governor=performance ${BASE}`, `net a=1,b=2 ${WEB}`])
    expect(sections(files, 'web', 'base')).toEqual([
      `cpu governor=performance ${BASE}`,
      `net a=1,b=1 ${BASE}`,
    ])
  })

  test('of a profile in /etc are taken instead of those of the same name in /usr/lib', () => {
    const own = '/etc/tuned/profiles/base/tuned.conf'
    expect(sections({ [BASE]: '[net]\na=1\n', [own]: '[net]\na=2\n' }, 'base')).toEqual([`net a=2 ${own}`])
  })

  test.each(['gone', '../base', '.base', 'a/b', `\${f:x}`])('a profile %s is left out', (name) => {
    expect(sections({ [WEB]: `[main]\ninclude=${name}\n[net]\na=1\n` }, name, 'web')).toEqual([
      `net a=1 ${WEB}`,
    ])
  })

  test('profiles that include each other end', () => {
    const files = { [BASE]: '[main]\ninclude=web\n[net]\na=1\n', [WEB]: '[main]\ninclude=base\n[net]\nb=1\n' }
    expect(sections(files, 'web')).toEqual([`net a=1,b=1 ${WEB}`])
  })
})

testFixture(tuned)
