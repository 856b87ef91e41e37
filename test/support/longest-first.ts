import { basename, dirname } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * What the longest files take, in seconds on a quiet machine with two cores. Vitest begins with the largest file while it has
 * no times of its own, as in a fresh clone; then the longest of these began late, and one core waited for it at the end.
 */
const SECONDS: Record<string, number> = {
  'vm/rhel-kernels': 340,
  'vm/rpm': 300,
  'vm/daemon': 195,
  'vm/guard': 195,
  'vm/trial': 155,
  'vm/apply': 135,
  'vm/host-zerocopy': 130,
  'vm/truce': 110,
  'vm/rss-table': 100,
  'vm/tunable': 60,
  'vm/rhel7': 60,
  'vm/report': 50,
  'packaging/rpm': 130,
  'cli/faults': 120,
  'cli/cockpit': 40,
  'cli/output': 35,
}

/** Projects whose files run side by side: these change places, all others stay. */
const SIDE_BY_SIDE: readonly (readonly string[])[] = [['cli', 'packaging'], ['vm']]

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    let sorted = await super.sort(files)
    for (const projects of SIDE_BY_SIDE) {
      const within = (file: TestSpecification): boolean => projects.includes(file.project.name)
      const byLength = sorted.filter(within).sort((a, b) => seconds(b) - seconds(a))
      sorted = sorted.map((file) => (within(file) ? (byLength.shift() as TestSpecification) : file))
    }
    return sorted
  }
}

function seconds(file: TestSpecification): number {
  return SECONDS[`${basename(dirname(file.moduleId))}/${basename(file.moduleId, '.test.ts')}`] ?? 0
}
