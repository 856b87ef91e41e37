import { Button, Label } from '@patternfly/react-core'
import type { Status } from '../answers/answer'
import { useGuest } from '../answers/guest'
import { AnswerState } from '../components/answer-state'
import { DaemonNotice } from '../components/daemon-notice'
import { FactList } from '../components/fact-list'
import { PagedTable } from '../components/paged-table'
import { Section } from '../components/section'
import { timeText } from '../text'

type Daemon = Status['daemon']

/** Whether the daemon runs, what it hears, and what it holds back. */
export function DaemonView() {
  const { status, reload } = useGuest()
  return (
    <Section
      title="Daemon"
      actions={
        <>
          <Button variant="link" onClick={() => cockpit.jump('/system/services#/vqtuned.service')}>
            Service and logs
          </Button>
          <Button variant="secondary" onClick={reload} isDisabled={status.isLoading}>
            Refresh
          </Button>
        </>
      }
    >
      <AnswerState of={status} what="the state of the daemon">
        {(value) => (
          <>
            <DaemonNotice status={value} />
            <State daemon={value.daemon} irqbalance={value.irqbalance} />
          </>
        )}
      </AnswerState>
    </Section>
  )
}

function State({ daemon, irqbalance }: Pick<Status, 'daemon' | 'irqbalance'>) {
  const facts = {
    State: stateText(daemon),
    ...(daemon.running === true ? { Process: daemon.pid, 'Last check': timeText(daemon.checkedAt) } : {}),
    irqbalance: irqbalanceText(irqbalance),
  }
  return (
    <>
      <FactList of={facts} />
      {daemon.running === true && <Details daemon={daemon} />}
    </>
  )
}

function Details({ daemon }: { readonly daemon: Extract<Daemon, { running: true }> }) {
  return (
    <>
      <PagedTable
        label="Sources of events"
        rows={daemon.sources}
        keyOf={({ name }) => name}
        columns={[
          { title: 'Source', cell: ({ name }) => name },
          {
            title: 'State',
            cell: ({ state }) => (
              <Label variant="outline" {...(state === 'up' ? { status: 'success' } : { status: 'warning' })}>
                {state}
              </Label>
            ),
          },
          { title: 'Why', cell: ({ why }) => why ?? '' },
        ]}
      />
      {daemon.suspended.length > 0 && (
        <PagedTable
          label="Suspended NICs"
          rows={daemon.suspended}
          keyOf={({ nic }) => nic}
          columns={[
            { title: 'NIC', cell: ({ nic }) => nic },
            { title: 'Other writer', cell: ({ otherWriter }) => otherWriter },
            { title: 'Until', cell: ({ until }) => (until === null ? 'you decide' : timeText(until)) },
            { title: 'Why', cell: ({ why }) => why },
          ]}
        />
      )}
    </>
  )
}

function stateText({ running }: Daemon): string {
  if (running === null) return 'Unknown: this user may not see other processes'
  return running ? 'Running' : 'Not running'
}

function irqbalanceText(irqbalance: Status['irqbalance']): string {
  if (irqbalance === null) return 'Not running, or not asked'
  const { interrupts, problem } = irqbalance
  if (problem !== null) return problem
  return interrupts.length === 0 ? 'Not asked' : `Leaves interrupts ${interrupts.join(', ')} alone`
}
