import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table'
import type { ReactNode } from 'react'
import { usePages } from './use-pages'

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
  const { shown, buttons } = usePages(rows, PAGE_SIZE, `Pages of: ${label}`)
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
      {buttons}
    </>
  )
}
