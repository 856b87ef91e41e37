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
      <CardHeader>
        {/* Not the card's own actions, which never wrap. */}
        <div className="vq-row">
          <CardTitle component="h2" id={id} className="vq-grow">
            {title}
          </CardTitle>
          {actions}
        </div>
      </CardHeader>
      <CardBody>
        <div className="vq-stack">{children}</div>
      </CardBody>
    </Card>
  )
}
