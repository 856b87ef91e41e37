import { Card, CardBody, CardHeader, CardTitle } from '@patternfly/react-core'
import { type ReactNode, useId } from 'react'

/** A card with a heading, which names the region. */
export function Section({
  title,
  actions,
  children,
}: {
  readonly title: string
  readonly actions?: ReactNode
  readonly children: ReactNode
}) {
  const id = useId()
  return (
    <Card component="section" aria-labelledby={id}>
      <CardHeader {...(actions === undefined ? {} : { actions: { actions, hasNoOffset: true } })}>
        <CardTitle component="h2" id={id}>
          {title}
        </CardTitle>
      </CardHeader>
      <CardBody>
        <div className="vq-stack">{children}</div>
      </CardBody>
    </Card>
  )
}
