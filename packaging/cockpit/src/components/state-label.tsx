import { Label } from '@patternfly/react-core'
import type { Nic } from '../answers/answer'

const STATES: Record<
  Nic['state'],
  { readonly text: string; readonly status?: 'success' | 'warning' | 'info' }
> = {
  converged: { text: 'Converged', status: 'success' },
  drift: { text: 'Drift', status: 'warning' },
  skipped: { text: 'Not tuned', status: 'info' },
}

export function StateLabel({ state }: { readonly state: Nic['state'] }) {
  const { text, status } = STATES[state] ?? { text: state }
  return (
    <Label variant="outline" {...(status === undefined ? {} : { status })}>
      {text}
    </Label>
  )
}
