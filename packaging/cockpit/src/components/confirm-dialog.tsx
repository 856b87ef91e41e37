import { Button, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core'
import { type ReactNode, useId } from 'react'
import type { Action } from '../answers/use-action'
import { Problem } from './answer-state'

/** First what would be done, then a button that does it, then what was done. */
export function ConfirmDialog<T>({
  title,
  doIt,
  isReady,
  action,
  outcome,
  onClose,
  children,
}: {
  readonly title: string
  /** The label of the button. */
  readonly doIt: string
  /** There is something to do, and it has been shown. */
  readonly isReady: boolean
  readonly action: Action<T>
  readonly outcome: (value: T) => ReactNode
  readonly onClose: () => void
  readonly children: ReactNode
}) {
  const id = useId()
  const isRunning = action.state === 'running'
  return (
    <Modal
      isOpen
      variant="large"
      aria-labelledby={id}
      // What is being written is written to its end.
      onClose={isRunning ? () => {} : onClose}
    >
      <ModalHeader title={title} labelId={id} />
      <ModalBody tabIndex={0} aria-label={title}>
        <div className="vq-stack">
          {action.problem !== undefined && <Problem text={action.problem} />}
          {action.value === undefined ? children : outcome(action.value)}
        </div>
      </ModalBody>
      <ModalFooter>
        {action.state !== 'done' && (
          <Button
            variant="primary"
            onClick={action.begin}
            isDisabled={!isReady || isRunning}
            isLoading={isRunning}
            spinnerAriaValueText="Running"
          >
            {doIt}
          </Button>
        )}
        <Button variant="link" onClick={onClose} isDisabled={isRunning}>
          {action.state === 'done' ? 'Close' : 'Cancel'}
        </Button>
      </ModalFooter>
    </Modal>
  )
}
