import { Pagination } from '@patternfly/react-core'
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table'
import { type ReactNode, useState } from 'react'

export interface Column<T> {
  readonly title: string
  readonly cell: (row: T) => ReactNode
}

/** 64 NICs, or 64 queues, are a few pages: a table of thousands of cells is slow, and nobody reads it. */
const PAGE_SIZE = 32

/** A table; on a narrow screen each row is a list of names and values. */
export function PagedTable<T>({
  label,
  columns,
  rows,
  keyOf,
}: {
  readonly label: string
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly keyOf: (row: T) => string
}) {
  const [wanted, setPage] = useState(1)
  // Rows may have gone meanwhile.
  const page = Math.min(wanted, Math.max(1, Math.ceil(rows.length / PAGE_SIZE)))
  const shown = rows.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE)
  return (
    <>
      <Table aria-label={label} variant="compact" gridBreakPoint="grid-lg">
        <Thead>
          <Tr>
            {columns.map(({ title }) => (
              <Th key={title}>{title}</Th>
            ))}
          </Tr>
        </Thead>
        <Tbody>
          {shown.map((row) => (
            <Tr key={keyOf(row)}>
              {columns.map(({ title, cell }) => (
                <Td key={title} dataLabel={title}>
                  {cell(row)}
                </Td>
              ))}
            </Tr>
          ))}
        </Tbody>
      </Table>
      {rows.length > PAGE_SIZE && (
        <Pagination
          isCompact
          itemCount={rows.length}
          page={page}
          perPage={PAGE_SIZE}
          perPageOptions={[]}
          onSetPage={(_, next) => setPage(next)}
          titles={{ paginationAriaLabel: `Pages of: ${label}` }}
        />
      )}
    </>
  )
}
