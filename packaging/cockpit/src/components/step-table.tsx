import type { Step } from '../answers/answer'
import { PagedTable } from './paged-table'

/** What would be, or was, written. */
export function StepTable<T extends Step>({
  steps,
  label,
  result,
}: {
  readonly steps: readonly T[]
  readonly label: string
  readonly result?: (step: T) => string
}) {
  return (
    <PagedTable
      label={label}
      rows={steps}
      keyOf={({ ifindex, tunable, key, old, new: now }) => `${ifindex} ${tunable} ${key} ${old} ${now}`}
      columns={[
        { title: 'NIC', cell: ({ nic }) => nic },
        { title: 'Setting', cell: ({ label: setting }) => setting },
        { title: 'Now', cell: ({ old }) => shown(old) },
        { title: 'Then', cell: ({ new: now }) => <strong>{shown(now)}</strong> },
        result === undefined
          ? { title: 'Why', cell: ({ reason }) => reason }
          : { title: 'Result', cell: result },
      ]}
    />
  )
}

/** An empty CPU list. */
function shown(value: string): string {
  return value === '' ? 'none' : value
}
