import { Alert, List, ListItem } from '@patternfly/react-core'
import type { Answer } from '../answers/answer'
import { start } from '../answers/run'
import { useAction } from '../answers/use-action'
import { useAnswer } from '../answers/use-answer'
import { AnswerState } from '../components/answer-state'
import { ConfirmDialog } from '../components/confirm-dialog'
import { Difference } from '../components/difference'

export type HostVerb =
  | 'host-set-queues'
  | 'host-max-files'
  | 'host-zerocopy-on'
  | 'host-zerocopy-off'
  | 'host-undo'

type Change = Answer<HostVerb>

const TITLES: Record<HostVerb, string> = {
  'host-set-queues': 'Set queues of a guest',
  'host-max-files': 'Set max_files',
  'host-zerocopy-on': 'Turn zero copy on',
  'host-zerocopy-off': 'Turn zero copy off',
  'host-undo': 'Undo a change',
}

/** A verb of the hypervisor's part: without --apply it shows what it would do. */
export function HostChange({
  verb,
  args,
  onDone,
  onClose,
}: {
  readonly verb: HostVerb
  /** What follows `host`. */
  readonly args: readonly string[]
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  // Before the `--` of operands.
  const dry = useAnswer(verb, ['host', ...withOption(args, '--json')], 'try')
  const action = useAction(
    () => start(verb, ['host', ...withOption(withOption(args, '--apply'), '--json')], 'require'),
    { onDone },
  )
  return (
    <ConfirmDialog
      title={TITLES[verb]}
      doIt="Apply"
      isReady={dry.value !== undefined && dry.value.diff !== ''}
      action={action}
      outcome={(value) => (
        <>
          <Alert
            isInline
            component="p"
            variant={value.applied ? 'success' : 'info'}
            title={value.applied ? `Changed: ${value.target}` : 'Nothing was changed.'}
            className="vq-break"
          />
          <Remarks of={value} />
        </>
      )}
      onClose={onClose}
    >
      <AnswerState of={dry} what="what would be changed">
        {(value) => (
          <>
            {value.diff === '' ? <p>Nothing to change.</p> : <Difference text={value.diff} />}
            <Remarks of={value} />
          </>
        )}
      </AnswerState>
    </ConfirmDialog>
  )
}

function withOption(args: readonly string[], option: string): readonly string[] {
  const end = args.indexOf('--')
  return end === -1 ? [...args, option] : [...args.slice(0, end), option, ...args.slice(end)]
}

function Remarks({ of: { notes, next } }: { readonly of: Change }) {
  const lines = [...notes, ...next]
  return lines.length === 0 ? null : (
    <List aria-label="Remarks">
      {lines.map((line) => (
        <ListItem key={line} className="vq-break">
          {line}
        </ListItem>
      ))}
    </List>
  )
}
