import { Alert, Button, List, ListItem } from '@patternfly/react-core'
import { useState } from 'react'
import type { Answer, Skip } from '../answers/answer'
import { useGuest } from '../answers/guest'
import { operands, start } from '../answers/run'
import { useAction } from '../answers/use-action'
import { useAnswer } from '../answers/use-answer'
import { AnswerState } from '../components/answer-state'
import { ConfirmDialog } from '../components/confirm-dialog'
import { StepTable } from '../components/step-table'
import { plural } from '../text'

/** Buttons for one NIC, or for all. */
export function ChangeNics({ nic }: { readonly nic?: string }) {
  const [open, setOpen] = useState<'apply' | 'rollback' | undefined>(undefined)
  const close = (): void => setOpen(undefined)
  return (
    <>
      <Button variant="primary" onClick={() => setOpen('apply')}>
        Apply…
      </Button>
      <Button variant="secondary" onClick={() => setOpen('rollback')}>
        Roll back…
      </Button>
      {open === 'apply' && <ApplyDialog nic={nic} onClose={close} />}
      {open === 'rollback' && <RollbackDialog nic={nic} onClose={close} />}
    </>
  )
}

interface DialogProperties {
  readonly nic: string | undefined
  readonly onClose: () => void
}

function ApplyDialog({ nic, onClose }: DialogProperties) {
  const { reload } = useGuest()
  const named = nic === undefined ? [] : operands(nic)
  const plan = useAnswer('plan', ['plan', '--resume', '--json', ...named])
  const action = useAction(() => start('apply', ['apply', '--json', ...named], 'require'), { onDone: reload })
  const nics = plan.value?.nics.filter(({ name }) => nic === undefined || name === nic) ?? []
  const steps = nics.flatMap((one) => one.steps)
  return (
    <ConfirmDialog
      title={nic === undefined ? 'Apply to all NICs' : `Apply to ${nic}`}
      doIt={steps.length === 0 ? 'Apply' : `Apply ${plural(steps.length, 'change')}`}
      isReady={steps.length > 0}
      action={action}
      outcome={(value) => <Outcome of={value} />}
      onClose={onClose}
    >
      <AnswerState of={plan} what="the plan">
        {() => (
          <>
            {steps.length === 0 ? (
              <p>Nothing to do: all is as desired.</p>
            ) : (
              <StepTable label="Changes to be made" steps={steps} />
            )}
            {steps.some(({ tunable }) => tunable === 'channels') && (
              <p>
                Then IRQ affinity and XPS are checked again: the kernel resets them when channels change. If
                the gateway no longer answers with the new channels, they are reverted.
              </p>
            )}
            <Skips skips={nics.flatMap((one) => one.skips)} />
          </>
        )}
      </AnswerState>
    </ConfirmDialog>
  )
}

function RollbackDialog({ nic, onClose }: DialogProperties) {
  const { reload } = useGuest()
  const named = nic === undefined ? [] : operands(nic)
  const plan = useAnswer('rollback-dry-run', ['rollback', '--dry-run', '--json', ...named])
  const action = useAction(() => start('rollback', ['rollback', '--json', ...named], 'require'), {
    onDone: reload,
  })
  const steps = plan.value?.steps ?? []
  return (
    <ConfirmDialog
      title={nic === undefined ? 'Roll back all NICs' : `Roll back ${nic}`}
      doIt={steps.length === 0 ? 'Roll back' : `Roll back ${plural(steps.length, 'change')}`}
      isReady={steps.length > 0}
      action={action}
      outcome={(value) => <Outcome of={value} />}
      onClose={onClose}
    >
      <AnswerState of={plan} what="what would be restored">
        {() =>
          steps.length === 0 ? (
            <p>Nothing to restore: vqtune has not changed anything since boot.</p>
          ) : (
            <>
              <StepTable label="Values to be restored" steps={steps} />
              <p>The daemon then leaves these NICs alone, until the next boot or until you apply.</p>
            </>
          )
        }
      </AnswerState>
    </ConfirmDialog>
  )
}

function Outcome({ of }: { readonly of: Answer<'apply'> }) {
  const lost = of.reverted.map(
    ({ nic, from, channels, why }) => `${nic}: ${why}; reverted from ${from} to ${channels} channels`,
  )
  const problems = [...lost, ...(of.failure === null ? [] : [of.failure.message])]
  return (
    <>
      {problems.map((problem) => (
        <Alert key={problem} isInline variant="danger" component="p" title={problem} className="vq-break" />
      ))}
      {of.converged && (
        <Alert
          isInline
          variant="success"
          component="p"
          title={`Done: ${plural(of.outcomes.length, 'change')}.`}
        />
      )}
      {of.outcomes.length > 0 && (
        <StepTable
          label="Changes made"
          steps={of.outcomes}
          result={({ result, why }) => (why === null ? result : `${result}: ${why}`)}
        />
      )}
      <Skips skips={of.skips} />
    </>
  )
}

function Skips({ skips }: { readonly skips: readonly Skip[] }) {
  if (skips.length === 0) return null
  return (
    <List aria-label="Skipped">
      {skips.map(({ nic, tunable, code, why }) => (
        <ListItem key={`${nic} ${tunable} ${code}`}>
          {nic}: {tunable ?? 'NIC'} skipped: {why}
        </ListItem>
      ))}
    </List>
  )
}
