/** What was gained: the bundles of an earlier commit and of this one, in turns on the same runtime. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { median } from '../../src/quantile'
import { generateTree } from '../../test/support/generated-tree'
import type { Part, Section } from '../lib/part'
import { spread } from '../lib/statistics'
import { interleaved, type Times } from '../lib/timed'

const ROUNDS = 41
/** The last commit before the boot path had a bundle without the configuration's parsers, and the daemon one of its own. */
const BEFORE = '1e4c916'

interface ProgressData {
  readonly bare: Times
  readonly before: Times
  readonly after: Times
}

async function measure(): Promise<ProgressData> {
  const tree = generateTree(4, [{ name: 'eth0', maximum: 4, current: 4, counts: [] }])
  try {
    const apply = (bundle: string): string[] => [process.execPath, bundle, 'apply', '--root', tree.root]
    const times = interleaved(
      [
        { name: 'bare', argv: [process.execPath, '-e', '0'] },
        { name: 'before', argv: apply(bundleOf(BEFORE)) },
        { name: 'after', argv: apply('dist/vqtune.cjs') },
      ],
      ROUNDS,
    )
    return { bare: times.bare as Times, before: times.before as Times, after: times.after as Times }
  } finally {
    tree.remove()
  }
}

function bundleOf(commit: string): string {
  const directory = `${process.cwd()}/dist/bench/at-${commit}`
  if (!existsSync(`${directory}/dist/vqtune.cjs`)) {
    mkdirSync(directory, { recursive: true })
    const archive = execFileSync('git', [
      'archive',
      commit,
      'src',
      'packaging',
      'package.json',
      'tsconfig.json',
    ])
    execFileSync('tar', ['-x', '-C', directory], { input: archive })
    if (!existsSync(`${directory}/node_modules`))
      symlinkSync('../../../node_modules', `${directory}/node_modules`)
    execFileSync(process.execPath, ['packaging/bundle.mjs'], { cwd: directory, stdio: 'inherit' })
  }
  return `${directory}/dist/vqtune.cjs`
}

function section({ bare, before, after }: ProgressData): Section {
  const row = (what: string, { wallMs, cpuMs }: Times): string[] => [
    what,
    spread(wallMs),
    (median(wallMs) / median(bare.wallMs)).toFixed(2),
    spread(cpuMs),
    (median(cpuMs) / median(bare.cpuMs)).toFixed(2),
  ]
  const share = (pick: (times: Times) => readonly number[]): string => {
    const [base, old, now] = [bare, before, after].map((times) => median(pick(times))) as [
      number,
      number,
      number,
    ]
    return `${Math.round((100 * (now - base)) / (old - base))} %`
  }
  return {
    title: 'What the boot path gained',
    text: [
      `A converged \`apply\` on the plain runtime, bundles of commit ${BEFORE} and of this one, ${bare.wallMs.length} interleaved runs. **Ratio: to \`node -e 0\`, within this run.** The time that \`apply\` adds to it is now ${share(({ wallMs }) => wallMs)} of the previous wall time, ${share(({ cpuMs }) => cpuMs)} of the previous processor time. Removed from the boot path: streams and sockets (\`process.stdout\`), \`child_process\` and \`net\` unless something has to be written, and TOML parser, schema and cron library unless a configuration file sets something.`,
    ],
    tables: [
      {
        columns: ['vqtune apply, converged', 'wall ms', 'ratio', 'processor ms', 'ratio'],
        rows: [row('node -e 0', bare), row(`before (${BEFORE})`, before), row('after', after)],
      },
    ],
    charts: [],
  }
}

export const progress: Part<ProgressData> = { name: 'progress', measure, section }
