import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Guest tests by what they take, in seconds on a quiet machine with two cores. Vitest begins with the largest file while it has
 * no times of its own, as in a fresh clone; then the longest of these began late, and one core waited for it at the end.
 */
const SECONDS: Record<string, number> = {
  'rhel-kernels': 340,
  rpm: 300,
  daemon: 195,
  fleet: 195,
  guard: 195,
  trial: 155,
  apply: 135,
  'host-zerocopy': 130,
  truce: 110,
  'rss-table': 100,
  tunable: 60,
  report: 50,
}

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    // Projects stay in their order: only guest tests change places, among themselves.
    const guests = sorted.filter(isGuest).sort((a, b) => seconds(b) - seconds(a))
    return sorted.map((file) => (isGuest(file) ? (guests.shift() as TestSpecification) : file))
  }
}

function isGuest(file: TestSpecification): boolean {
  return file.project.name === 'vm'
}

function seconds(file: TestSpecification): number {
  return SECONDS[/([^/]+)\.test\.ts$/.exec(file.moduleId)?.[1] ?? ''] ?? 0
}
