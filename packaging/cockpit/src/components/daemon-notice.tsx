import { Alert } from '@patternfly/react-core'
import type { Status } from '../answers/answer'

/** What the reader has to know of the daemon to judge what is shown; nothing if it is well. */
export function DaemonNotice({ status: { daemon } }: { readonly status: Status }) {
  if (daemon.running === false) {
    return (
      <Alert
        isInline
        variant="info"
        component="p"
        title="vqtuned is not running: nothing repairs or records drift, and this page shows changes after Refresh."
      />
    )
  }
  if (daemon.running !== true) return null
  const problems = [
    ...(daemon.configValid ? [] : ['The last reload failed: the previous configuration is still in effect.']),
    ...daemon.problems,
    ...daemon.suspended.map(({ nic, why }) => `${nic}: ${why}`),
  ]
  return problems.map((problem) => (
    <Alert key={problem} isInline variant="warning" component="p" title={problem} className="vq-break" />
  ))
}
