import { Alert, Bullseye, Button, Spinner } from '@patternfly/react-core'
import type { ReactNode } from 'react'
import type { Loaded } from '../answers/use-answer'

/** The newest answer, if there is one, with the problem of a later attempt above; else that it is being read, or why not. */
export function AnswerState<T>({
  of,
  what,
  children,
}: {
  readonly of: Loaded<T>
  /** What is read, for the reader of the screen: 'the status'. */
  readonly what: string
  readonly children: (value: T) => ReactNode
}) {
  if (of.value === undefined && of.problem === undefined) {
    return (
      <Bullseye>
        <Spinner aria-label={`Reading ${what}`} />
      </Bullseye>
    )
  }
  return (
    <>
      {of.problem !== undefined && <Problem text={of.problem} onRetry={of.reload} />}
      {of.value !== undefined && children(of.value)}
    </>
  )
}

export function Problem({ text, onRetry }: { readonly text: string; readonly onRetry?: () => void }) {
  return (
    <Alert
      isInline
      variant="danger"
      title={text}
      component="p"
      className="vq-break"
      {...(onRetry === undefined
        ? {}
        : {
            actionLinks: (
              <Button variant="link" isInline onClick={onRetry}>
                Try again
              </Button>
            ),
          })}
    />
  )
}
