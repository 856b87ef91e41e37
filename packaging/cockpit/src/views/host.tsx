import {
  Button,
  Checkbox,
  EmptyState,
  EmptyStateBody,
  FormGroup,
  FormSelect,
  FormSelectOption,
  Label,
  List,
  ListItem,
} from '@patternfly/react-core'
import { useState } from 'react'
import type { Answer } from '../answers/answer'
import { useAnswer } from '../answers/use-answer'
import { AnswerState } from '../components/answer-state'
import { ActionForm, TextField } from '../components/fields'
import { PagedTable } from '../components/paged-table'
import { Section } from '../components/section'
import { plural, timeText } from '../text'
import { HostChange, type HostVerb } from './host-change'

type HostCheck = Answer<'host-check'>

/** The hypervisor's part, where this machine is one. */
export function HostView() {
  // Open files of guests and qemu.conf are for root only.
  const check = useAnswer('host-check', ['host', 'check', '--json'], 'try')
  const [change, setChange] = useState<{ verb: HostVerb; args: readonly string[] } | undefined>(undefined)
  if (check.problem !== undefined && check.value === undefined) {
    return (
      <Section title="Host">
        <EmptyState titleText="No hypervisor to look at" headingLevel="h3">
          <EmptyStateBody className="vq-break">{check.problem}</EmptyStateBody>
          <Button variant="link" onClick={check.reload}>
            Try again
          </Button>
        </EmptyState>
      </Section>
    )
  }
  return (
    <>
      <AnswerState of={check} what="the guests of this hypervisor">
        {(value) => (
          <>
            <Findings check={value} />
            <Guests check={value} onChange={(args) => setChange({ verb: 'host-set-queues', args })} />
            <Section
              title="Open files"
              actions={
                <Button
                  variant="secondary"
                  onClick={() => setChange({ verb: 'host-max-files', args: ['max-files'] })}
                >
                  Set max_files…
                </Button>
              }
            >
              <p>
                max_files in qemu.conf:{' '}
                {value.maxFiles === null ? 'not readable by this user' : value.maxFiles || 'not set'}
              </p>
            </Section>
          </>
        )}
      </AnswerState>
      <ZeroCopy onChange={(verb, args) => setChange({ verb, args })} />
      <Backups onUndo={(id) => setChange({ verb: 'host-undo', args: ['undo', id] })} />
      {change !== undefined && (
        <HostChange
          verb={change.verb}
          args={change.args}
          onDone={check.reload}
          onClose={() => setChange(undefined)}
        />
      )}
    </>
  )
}

const SEVERITY = { error: 'danger', warning: 'warning', info: 'info' } as const

function Findings({ check: { findings, unanswered, domains } }: { readonly check: HostCheck }) {
  return (
    <Section title="Findings">
      {findings.length === 0 ? (
        <p>Nothing to do for {plural(domains.length, 'guest')}.</p>
      ) : (
        <PagedTable
          label="Findings"
          rows={findings}
          keyOf={({ domain, nic, code, text }) => `${domain} ${nic} ${code} ${text}`}
          columns={[
            {
              title: 'Severity',
              cell: ({ severity }) => (
                <Label
                  status={(SEVERITY as Record<string, 'danger' | 'warning' | 'info'>)[severity] ?? 'info'}
                >
                  {severity}
                </Label>
              ),
            },
            { title: 'Who', cell: ({ who }) => who },
            { title: 'Guest', cell: ({ domain, nic }) => (nic === null ? domain : `${domain} ${nic}`) },
            { title: 'What', cell: ({ text }) => <span className="vq-break">{text}</span> },
            { title: 'Remedy', cell: ({ remedy }) => <span className="vq-break">{remedy ?? ''}</span> },
          ]}
        />
      )}
      {unanswered.length > 0 && (
        <List aria-label="Guests that were not described in time">
          {unanswered.map(({ name, why }) => (
            <ListItem key={name}>
              {name}: {why}
            </ListItem>
          ))}
        </List>
      )}
    </Section>
  )
}

function Guests({
  check: { domains },
  onChange,
}: {
  readonly check: HostCheck
  readonly onChange: (args: readonly string[]) => void
}) {
  const [name, choose] = useState<string | undefined>(undefined)
  const [queues, setQueues] = useState('vcpus')
  const changeable = domains.filter(({ stack }) => stack !== 'qemu')
  const domain = changeable.find((one) => one.name === name) ?? changeable[0]
  const nics = domains.flatMap((one) => one.nics.map((nic) => ({ domain: one, nic })))
  return (
    <Section title="Guests">
      <PagedTable
        label="NICs of guests"
        rows={nics}
        keyOf={({ domain: { uuid }, nic }) => `${uuid} ${nic.handle}`}
        columns={[
          { title: 'Guest', cell: (row) => row.domain.title ?? row.domain.name },
          { title: 'vCPUs', cell: (row) => row.domain.vcpus.current },
          { title: 'NIC', cell: ({ nic }) => nic.mac },
          { title: 'Queues now', cell: ({ nic }) => nic.queues.live ?? 'unknown' },
          { title: 'At the next start', cell: ({ nic }) => nic.queues.configured ?? 'unknown' },
          { title: 'Used', cell: ({ nic }) => nic.queues.active ?? 'unknown' },
        ]}
      />
      {domain !== undefined && (
        <ActionForm onSubmit={() => onChange(['set-queues', '--', domain.name, queues.trim()])}>
          <FormGroup label="Guest" fieldId="vq-guest">
            <FormSelect id="vq-guest" value={domain.name} onChange={(_, next) => choose(next)}>
              {changeable.map((one) => (
                <FormSelectOption key={one.uuid} value={one.name} label={one.title ?? one.name} />
              ))}
            </FormSelect>
          </FormGroup>
          <TextField id="vq-queues" label="Queues: 1 to 256, or vcpus" value={queues} onChange={setQueues} />
          <div className="vq-row">
            <Button type="submit" variant="secondary">
              Set queues…
            </Button>
          </div>
        </ActionForm>
      )}
    </Section>
  )
}

function ZeroCopy({ onChange }: { readonly onChange: (verb: HostVerb, args: readonly string[]) => void }) {
  const status = useAnswer('host-zerocopy-status', ['host', 'zerocopy', 'status', '--json'])
  const [isAccepted, accept] = useState(false)
  return (
    <Section title="Zero-copy transmit of vhost_net">
      <AnswerState of={status} what="the state of zero copy">
        {({ module, running, configured, conditions }) => (
          <>
            <p>
              The module is {module}; zero copy is {running === null ? 'not running' : running ? 'on' : 'off'}
              {configured === null ? '' : `, configured as ${configured.value} in ${configured.source}`}.
            </p>
            <List aria-label="What prevents it">
              {conditions.map(({ code, text }) => (
                <ListItem key={code}>{text}</ListItem>
              ))}
            </List>
            <Checkbox
              id="vq-accept"
              label="I accept denial of service and information leaks between guests"
              isChecked={isAccepted}
              onChange={(_, isOn) => accept(isOn)}
            />
            <div className="vq-row">
              <Button
                variant="secondary"
                isDisabled={!isAccepted}
                onClick={() => onChange('host-zerocopy-on', ['zerocopy', 'on', '--accept-risk'])}
              >
                Turn on…
              </Button>
              <Button variant="secondary" onClick={() => onChange('host-zerocopy-off', ['zerocopy', 'off'])}>
                Turn off…
              </Button>
            </div>
          </>
        )}
      </AnswerState>
    </Section>
  )
}

function Backups({ onUndo }: { readonly onUndo: (id: string) => void }) {
  const list = useAnswer('host-undo-list', ['host', 'undo', '--list', '--json'], 'try')
  return (
    <Section title="Backups">
      <AnswerState of={list} what="the backups">
        {({ backups }) =>
          backups.length === 0 ? (
            <p>None: nothing has been changed on this hypervisor.</p>
          ) : (
            <PagedTable
              label="Backups, the newest first"
              rows={backups.toReversed()}
              keyOf={({ id }) => id}
              columns={[
                { title: 'Time', cell: ({ time }) => timeText(time) },
                { title: 'By', cell: ({ verb }) => verb },
                { title: 'Target', cell: ({ target }) => <span className="vq-break">{target}</span> },
                {
                  title: 'Undo',
                  cell: ({ id, undone }) =>
                    undone === null ? (
                      <Button variant="link" isInline aria-label={`Undo ${id}`} onClick={() => onUndo(id)}>
                        Undo…
                      </Button>
                    ) : (
                      `undone ${timeText(undone)}`
                    ),
                },
              ]}
            />
          )
        }
      </AnswerState>
    </Section>
  )
}
