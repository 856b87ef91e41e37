import {
  Alert,
  Button,
  FormGroup,
  FormHelperText,
  FormSelect,
  FormSelectOption,
  HelperText,
  HelperTextItem,
  TextInput,
} from '@patternfly/react-core'
import { type ReactNode, useEffect, useState } from 'react'
import type { Answer } from '../answers/answer'
import { start } from '../answers/run'
import { useAction } from '../answers/use-action'
import { useAnswer } from '../answers/use-answer'
import { AnswerState } from '../components/answer-state'
import { ConfirmDialog } from '../components/confirm-dialog'
import { Difference } from '../components/difference'
import { ActionForm } from '../components/fields'
import { PagedTable } from '../components/paged-table'
import { Section } from '../components/section'

type Check = Answer<'config-check'>
type Key = Check['keys'][number]

/** The settings of each NIC, where each is from, and a way to change one. */
export function ConfigurationView() {
  const check = useAnswer('config-check', ['config', 'check', '--json'])
  return (
    <Section title="Configuration">
      <AnswerState of={check} what="the configuration">
        {(value) => <Settings check={value} onChange={check.reload} />}
      </AnswerState>
    </Section>
  )
}

function Settings({ check, onChange }: { readonly check: Check; readonly onChange: () => void }) {
  const [chosen, choose] = useState<string | undefined>(undefined)
  const [edited, edit] = useState<Key | undefined>(undefined)
  const nic = check.nics.find(({ name }) => name === chosen) ?? check.nics[0]
  const settings: Readonly<Record<string, unknown>> = nic?.settings ?? {}
  return (
    <>
      {check.problems.map(({ file, line, text }) => (
        <Alert
          key={`${file} ${line} ${text}`}
          isInline
          variant="danger"
          component="p"
          className="vq-break"
          title={`${line === null ? file : `${file}:${line}`}: ${text}`}
        />
      ))}
      {check.unobserved !== null && <p>The guest cannot be observed: {check.unobserved}</p>}
      {nic === undefined ? (
        <p>{check.problems.length > 0 ? 'Correct this first.' : 'There is no virtio-net NIC.'}</p>
      ) : (
        <>
          <FormSelect aria-label="NIC" value={nic.name} onChange={(_, name) => choose(name)}>
            {check.nics.map(({ name }) => (
              <FormSelectOption key={name} value={name} label={name} />
            ))}
          </FormSelect>
          <PagedTable
            label={`Settings of ${nic.name}`}
            rows={check.keys}
            keyOf={({ key }) => key}
            columns={[
              { title: 'Key', cell: ({ key }) => <code>{key}</code> },
              { title: 'Value', cell: ({ key }) => shown(settings[key]) },
              {
                title: 'From',
                cell: ({ key }) => (
                  <span className="vq-break">{(nic.from as Record<string, string>)[key]}</span>
                ),
              },
              {
                title: 'Change',
                cell: (key) => (
                  <Button
                    variant="link"
                    isInline
                    aria-label={`Change ${key.key} of ${nic.name}`}
                    onClick={() => edit(key)}
                  >
                    Change…
                  </Button>
                ),
              },
            ]}
          />
          <p className="vq-subtle vq-break">
            {check.files.length === 0
              ? 'No configuration file: built-in defaults.'
              : `Read: ${check.files.join(', ')}`}
          </p>
        </>
      )}
      {nic !== undefined && edited !== undefined && (
        <SettingDialog
          of={edited}
          nic={nic.name}
          value={shown(settings[edited.key])}
          onChange={onChange}
          onClose={() => edit(undefined)}
        />
      )}
    </>
  )
}

function shown(value: unknown): string {
  return value === null || value === undefined ? 'not set' : String(value)
}

/** One key for one NIC: a value, what it would change in the file, and then it is written. */
function SettingDialog({
  of: { key, allowed, choices },
  nic,
  value,
  onChange,
  onClose,
}: {
  readonly of: Key
  readonly nic: string
  readonly value: string
  readonly onChange: () => void
  readonly onClose: () => void
}) {
  const [text, setText] = useState(choices !== null || value !== 'not set' ? value : '')
  // What has been shown is what is written.
  const [shownText, show] = useState<string | undefined>(undefined)
  return (
    <ChangeSetting nic={nic} name={key} text={shownText} onChange={onChange} onClose={onClose}>
      <ActionForm onSubmit={() => show(text.trim())}>
        <FormGroup label={`${key} of ${nic}`} fieldId="vq-value">
          {choices === null ? (
            <TextInput id="vq-value" value={text} onChange={(_, next) => setText(next)} />
          ) : (
            <FormSelect id="vq-value" value={text} onChange={(_, next) => setText(next)}>
              {choices.map((choice) => (
                <FormSelectOption key={choice} value={choice} label={choice} />
              ))}
            </FormSelect>
          )}
          <FormHelperText>
            <HelperText>
              <HelperTextItem>Allowed is {allowed}. Empty removes the key.</HelperTextItem>
            </HelperText>
          </FormHelperText>
        </FormGroup>
        <div className="vq-row">
          <Button type="submit" variant="secondary">
            Show the difference
          </Button>
          {choices !== null && (
            <Button variant="link" onClick={() => show('')}>
              Remove the key
            </Button>
          )}
        </div>
      </ActionForm>
    </ChangeSetting>
  )
}

/** @param text what is to be set, as asked; empty: the key is removed; undefined: nothing has been asked yet */
export function ChangeSetting({
  nic,
  name,
  text,
  onChange,
  onClose,
  children,
}: {
  readonly nic: string
  readonly name: string
  readonly text: string | undefined
  readonly onChange: () => void
  readonly onClose: () => void
  readonly children?: ReactNode
}) {
  const verb = text === '' ? 'unset' : 'set'
  const args = [
    ...['config', verb, '--json', '--nic', nic],
    ...(text === undefined || text === '' ? [name] : ['--', name, text]),
  ]
  const action = useAction(() => start('config-set', args, 'require'), { onDone: onChange })
  const [diff, setDiff] = useState('')
  return (
    <ConfirmDialog
      title={`Change ${name} of ${nic}`}
      doIt="Write"
      isReady={diff !== ''}
      action={action}
      outcome={({ file, effective }) => (
        <Alert
          isInline
          variant={effective ? 'success' : 'warning'}
          component="p"
          className="vq-break"
          title={
            effective
              ? `Written to ${file}. A running daemon applies it; without the daemon, apply it yourself.`
              : `Written to ${file}, but without effect: it was so before, or a later file sets it.`
          }
        />
      )}
      onClose={onClose}
    >
      {children}
      {text !== undefined && <DryRun key={text} args={args} onDiff={setDiff} />}
    </ConfirmDialog>
  )
}

function DryRun({
  args,
  onDiff,
}: {
  readonly args: readonly string[]
  readonly onDiff: (diff: string) => void
}) {
  const [verb = '', ...rest] = args.slice(1)
  const dry = useAnswer('config-set', ['config', verb, '--dry-run', ...rest], 'try')
  const diff = dry.value?.diff ?? ''
  useEffect(() => onDiff(diff), [diff, onDiff])
  return (
    <AnswerState of={dry} what="the difference">
      {({ file }) => (diff === '' ? <p>{file} is like this already.</p> : <Difference text={diff} />)}
    </AnswerState>
  )
}
