import { Pagination } from '@patternfly/react-core'
import { type ReactNode, useState } from 'react'

/**
 * Rows a page at a time. @param label names the buttons for screen readers
 * @returns the rows of this page, and the buttons below them if there are more
 */
export function usePages<T>(
  rows: readonly T[],
  size: number,
  label: string,
): { readonly shown: readonly T[]; readonly buttons: ReactNode } {
  const [wanted, setPage] = useState(1)
  // Rows may have gone meanwhile.
  const page = Math.min(wanted, Math.max(1, Math.ceil(rows.length / size)))
  return {
    shown: rows.slice((page - 1) * size, page * size),
    buttons: rows.length > size && (
      <Pagination
        isCompact
        itemCount={rows.length}
        page={page}
        perPage={size}
        perPageOptions={[]}
        onSetPage={(_, next) => setPage(next)}
        titles={{ paginationAriaLabel: label }}
      />
    ),
  }
}
