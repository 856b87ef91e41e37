import { Button, EmptyState, EmptyStateBody, ExpandableSection, List, ListItem } from '@patternfly/react-core'
import type { Nic, Status } from '../answers/answer'
import { useGuest } from '../answers/guest'
import { AnswerState } from '../components/answer-state'
import { DaemonNotice } from '../components/daemon-notice'
import { PagedTable } from '../components/paged-table'
import { Section } from '../components/section'
import { StateLabel } from '../components/state-label'
import { limitText, plural, summaryText } from '../text'
import { linkTo } from '../use-location'
import { ChangeNics } from './change-nics'

export function OverviewView() {
  const { status, reload } = useGuest()
  return (
    <Section
      title="NICs"
      actions={
        <>
          <ChangeNics />
          <Button variant="secondary" onClick={reload} isDisabled={status.isLoading}>
            Refresh
          </Button>
        </>
      }
    >
      <AnswerState of={status} what="the status of the NICs">
        {(value) => <Overview status={value} />}
      </AnswerState>
    </Section>
  )
}

function Overview({ status }: { readonly status: Status }) {
  return (
    <>
      <DaemonNotice status={status} />
      {status.nics.length === 0 ? (
        <EmptyState titleText="No virtio-net NIC" headingLevel="h3">
          <EmptyStateBody>
            There is none in this network namespace, so there is nothing to tune.
          </EmptyStateBody>
        </EmptyState>
      ) : (
        <>
          <p role="status">{summaryText(status)}</p>
          <NicTable nics={status.nics} />
        </>
      )}
      {status.ignored.length > 0 && (
        <ExpandableSection toggleText={`${plural(status.ignored.length, 'other interface')}, not tuned`}>
          <List>
            {status.ignored.map(({ name, why }) => (
              <ListItem key={name}>
                {name}: {why}
              </ListItem>
            ))}
          </List>
        </ExpandableSection>
      )}
    </>
  )
}

function NicTable({ nics }: { readonly nics: readonly Nic[] }) {
  return (
    <PagedTable
      label="NICs"
      rows={nics}
      keyOf={({ ifindex, name }) => `${ifindex} ${name}`}
      columns={[
        { title: 'NIC', cell: ({ name }) => <a href={linkTo('nic', name)}>{name}</a> },
        { title: 'State', cell: ({ state }) => <StateLabel state={state} /> },
        { title: 'Channels', cell: ({ channels }) => channels.current },
        { title: 'Target', cell: ({ channels }) => channels.target },
        { title: 'Host maximum', cell: ({ channels }) => channels.maximum ?? 'unknown' },
        { title: 'Limited by', cell: ({ channels }) => limitText(channels.limitedBy) },
        { title: 'Private queues', cell: privateText },
        { title: 'Link', cell: ({ operstate }) => operstate },
      ]}
    />
  )
}

function privateText({ queues }: Nic): string {
  return `${queues.filter((queue) => queue.private).length} of ${queues.length}`
}
