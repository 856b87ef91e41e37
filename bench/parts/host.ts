/** What `vqtune host check` costs with many guests: virsh processes, questions to libvirt, time. libvirt's own test driver answers. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median } from '../../src/quantile'
import type { Part, Section } from '../lib/part'
import { spread } from '../lib/statistics'
import { interleaved, type Times } from '../lib/timed'

const GUESTS = [1, 50, 500] as const
const ROUNDS = 3

interface Cost {
  readonly guests: number
  /** virsh processes of one check. */
  readonly processes: number
  /** dumpxml commands of one check. */
  readonly questions: number
  readonly check: Times
  /** `virsh list --all` alone, on the same guests. */
  readonly list: Times
}

interface HostData {
  readonly costs: readonly Cost[]
}

async function measure(): Promise<HostData> {
  const trees = GUESTS.map((guests) => ({ guests, root: makeTree(guests) }))
  try {
    const uri = (root: string): string => `test://${root}/node.xml`
    const check = (root: string): string[] => [
      process.execPath,
      'dist/vqtune.cjs',
      ...['host', 'check', '--connect', uri(root), '--root', root],
    ]
    const times = interleaved(
      trees.flatMap(({ guests, root }) => [
        {
          name: `check ${guests}`,
          argv: check(root),
          before: () => rmSync(`${root}/calls`, { force: true }),
        },
        { name: `list ${guests}`, argv: ['virsh', '-r', '-q', '-c', uri(root), 'list', '--all'] },
      ]),
      ROUNDS,
    )
    return {
      costs: trees.map(({ guests, root }) => {
        const calls = readFileSync(`${root}/calls`, 'utf8')
        return {
          guests,
          processes: calls.match(/^CALL /gm)?.length ?? 0,
          questions: calls.match(/dumpxml/g)?.length ?? 0,
          check: times[`check ${guests}`] as Times,
          list: times[`list ${guests}`] as Times,
        }
      }),
    }
  } finally {
    for (const { root } of trees) rmSync(root, { recursive: true, force: true })
  }
}

/** Guests of two NICs each, all running as the test driver has it; a virsh that notes its calls before it runs the real one. */
function makeTree(guests: number): string {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-bench-host-'))
  chmodSync(root, 0o755)
  const hex = (value: number): string => value.toString(16).padStart(2, '0')
  const nic = (guest: number, index: number): string =>
    `<interface type='bridge'><mac address='52:54:00:${hex(guest >> 8)}:${hex(guest & 255)}:${hex(index)}'/><source bridge='br0'/><model type='virtio'/><driver name='vhost' queues='4'/></interface>`
  const domains = Array.from(
    { length: guests },
    (_, i) =>
      `<domain type='test'><name>g${i}</name><uuid>0a000000-0000-4000-8000-${String(i).padStart(12, '0')}</uuid><memory>1048576</memory><vcpu>4</vcpu><os><type arch='x86_64'>hvm</type></os><devices>${nic(i, 1)}${nic(i, 2)}</devices></domain>`,
  )
  writeFileSync(`${root}/node.xml`, `<node>\n${domains.join('\n')}\n</node>\n`)
  mkdirSync(`${root}/usr/bin`, { recursive: true })
  writeFileSync(
    `${root}/usr/bin/virsh`,
    `#!/bin/sh\necho "CALL $*" >>${root}/calls\nexec /usr/bin/virsh "$@"\n`,
  )
  chmodSync(`${root}/usr/bin/virsh`, 0o755)
  return root
}

function section({ costs }: HostData): Section {
  return {
    title: 'The hypervisor half: what a check of many guests costs',
    text: [
      `Medians of ${costs[0]?.check.wallMs.length ?? 0} interleaved runs of \`vqtune host check\` against libvirt's test driver, whose guests all run and have two NICs; each virsh reads the file with all guests anew, which a real daemon spares it. **Ratio: to one \`virsh list --all\` of the same guests, within this run.** Questions are \`dumpxml\` commands, many of them in one virsh.`,
    ],
    tables: [
      {
        columns: [
          'guests',
          'virsh processes',
          'questions',
          'questions for each guest',
          'wall ms (middle half)',
          'ratio',
          'processor ms',
        ],
        rows: costs.map(({ guests, processes, questions, check, list }) => [
          String(guests),
          String(processes),
          String(questions),
          (questions / guests).toFixed(2),
          spread(check.wallMs),
          (median(check.wallMs) / median(list.wallMs)).toFixed(1),
          median(check.cpuMs).toFixed(0),
        ]),
      },
    ],
    charts: [],
  }
}

export const hostCheck: Part<HostData> = { name: 'host', measure, section }
