import {
  Button,
  EmptyState,
  EmptyStateBody,
  FormSelect,
  FormSelectOption,
  Label,
} from '@patternfly/react-core'
import { useState } from 'react'
import type { DriftRecord } from '../answers/answer'
import { useGuest } from '../answers/guest'
import { AnswerState } from '../components/answer-state'
import { DaemonNotice } from '../components/daemon-notice'
import { Section } from '../components/section'
import { usePages } from '../components/use-pages'
import { timeText } from '../text'

const PAGE_SIZE = 25
const ALL = ''

/** What changed, who changed it, and what was done about it; the newest first. */
export function DriftView() {
  const { status, drift, reload } = useGuest()
  return (
    <Section
      title="Drift"
      actions={
        <Button variant="secondary" onClick={reload} isDisabled={drift.isLoading}>
          Refresh
        </Button>
      }
    >
      {status.value !== undefined && <DaemonNotice status={status.value} />}
      <AnswerState of={drift} what="the drift history">
        {(value) => <History records={value.drift} />}
      </AnswerState>
    </Section>
  )
}

function History({ records }: { readonly records: readonly DriftRecord[] }) {
  const [chosen, choose] = useState(ALL)
  const nics = [...new Set(records.flatMap(({ nic }) => (nic === null ? [] : [nic])))].sort()
  // Two changes of one NIC may be found in one pass; the history only grows at its end.
  const matching = records
    .map((record, index) => ({ record, key: `${index} ${record.at}` }))
    .filter(({ record: { nic } }) => chosen === ALL || nic === chosen)
    .reverse()
  const { shown, buttons } = usePages(matching, PAGE_SIZE, 'Pages of the drift history')
  if (records.length === 0) {
    return (
      <EmptyState titleText="No drift recorded" headingLevel="h3">
        <EmptyStateBody>
          The history has no change of what vqtune tunes, as far as it goes back.
        </EmptyStateBody>
      </EmptyState>
    )
  }
  return (
    <>
      <FormSelect aria-label="NIC" value={chosen} onChange={(_, value) => choose(value)}>
        <FormSelectOption value={ALL} label="All NICs" />
        {nics.map((nic) => (
          <FormSelectOption key={nic} value={nic} label={nic} />
        ))}
      </FormSelect>
      <ol className="vq-timeline" aria-label="Changes, the newest first" aria-live="polite">
        {shown.map(({ record, key }) => (
          <Change key={key} record={record} />
        ))}
      </ol>
      {buttons}
    </>
  )
}

const DONE: Partial<Record<DriftRecord['action'], 'success' | 'warning' | 'danger'>> = {
  repaired: 'success',
  failed: 'danger',
  'backed-off': 'warning',
  reverted: 'warning',
  'guard-reduced': 'warning',
}

function Change({ record }: { readonly record: DriftRecord }) {
  const { at, nic, kind, writer, evidence, action, why } = record
  const status = DONE[action]
  return (
    <li>
      <div className="vq-row">
        <time dateTime={at} className="vq-subtle">
          {timeText(at)}
        </time>
        <strong>
          {nic ?? 'Guest'}: {kind}
        </strong>
        <Label variant="outline">by {writer === 'unknown' ? 'an unknown writer' : writer}</Label>
        <Label {...(status === undefined ? {} : { status })}>{action}</Label>
      </div>
      <div className="vq-break">
        {record.old === '' ? 'none' : record.old} → <strong>{record.new === '' ? 'none' : record.new}</strong>
      </div>
      {evidence !== '' && <div className="vq-subtle vq-break">{evidence}</div>}
      {why !== '' && <div className="vq-subtle vq-break">{why}</div>}
    </li>
  )
}
