import {
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  type DescriptionListProps,
  DescriptionListTerm,
} from '@patternfly/react-core'
import type { ReactNode } from 'react'

/** Names and values. */
export function FactList({
  of,
  columns,
}: {
  readonly of: Readonly<Record<string, ReactNode>>
  readonly columns?: DescriptionListProps['columnModifier']
}) {
  return (
    <DescriptionList isCompact {...(columns === undefined ? {} : { columnModifier: columns })}>
      {Object.entries(of).map(([term, fact]) => (
        <DescriptionListGroup key={term}>
          <DescriptionListTerm>{term}</DescriptionListTerm>
          <DescriptionListDescription className="vq-break">{fact}</DescriptionListDescription>
        </DescriptionListGroup>
      ))}
    </DescriptionList>
  )
}
