import { Alert, Button, Checkbox, FormGroup, Progress } from '@patternfly/react-core'
import { useState } from 'react'
import { type Answer, type Nic, readAnswer } from '../answers/answer'
import { useGuest } from '../answers/guest'
import { operands, start } from '../answers/run'
import { useAction } from '../answers/use-action'
import { Problem } from '../components/answer-state'
import { ActionForm, TextField } from '../components/fields'
import { PagedTable } from '../components/paged-table'
import { Section } from '../components/section'
import { TrialChart } from '../components/trial-chart'
import { combination, plural } from '../text'
import { ChangeSetting } from './configuration'

type Trial = Answer<'trial'>
type Progressed = Answer<'trial-progress'>['progress']

const CHANNELS = 'channels'
/** What --vary takes, and what to call it. */
const FACTORS = [
  { name: CHANNELS, label: 'Channels' },
  { name: 'rings', label: 'Ring sizes' },
  { name: 'rps', label: 'RPS' },
  { name: 'rfs', label: 'RFS' },
  { name: 'threaded-napi', label: 'Threaded NAPI' },
] as const

/** Measures the combinations in turn on the traffic that there is. */
export function TrialView({ nic: { name } }: { readonly nic: Nic }) {
  const { reload } = useGuest()
  const [varied, setVaried] = useState<readonly string[]>([CHANNELS])
  const [counts, setCounts] = useState('')
  const [rounds, setRounds] = useState('')
  const [seconds, setSeconds] = useState('5')
  const [progress, setProgress] = useState<Progressed | undefined>(undefined)
  const variesChannels = varied.includes(CHANNELS)
  const args = [
    ...['trial', '--json', '--progress', '--window', seconds.trim()],
    ...(varied.join() === CHANNELS ? [] : ['--vary', varied.join()]),
    ...(counts.trim() === '' || !variesChannels ? [] : ['--counts', counts.replaceAll(' ', '')]),
    ...(rounds.trim() === '' ? [] : ['--rounds', rounds.trim()]),
    ...operands(name),
  ]
  const trial = useAction(
    () => {
      setProgress(undefined)
      return start('trial', args, 'require', (line) =>
        setProgress(readAnswer('trial-progress', line).progress),
      )
    },
    { onDone: reload, stopsAlone: true },
  )
  const isRunning = trial.state === 'running'
  return (
    <Section title="Trial">
      <p>
        Sets each combination of what you choose in turn, eight at most, measures the traffic with each, and
        at the end restores what was set, also if you stop it or leave this page. Each change interrupts the
        traffic for a moment.
      </p>
      <ActionForm onSubmit={trial.begin}>
        <FormGroup role="group" label="What to vary" fieldId="vq-vary">
          {FACTORS.map(({ name: factor, label }) => (
            <Checkbox
              key={factor}
              id={`vq-vary-${factor}`}
              label={label}
              isChecked={varied.includes(factor)}
              onChange={(_, isOn) =>
                setVaried(
                  FACTORS.map(({ name }) => name).filter((one) =>
                    one === factor ? isOn : varied.includes(one),
                  ),
                )
              }
            />
          ))}
        </FormGroup>
        {variesChannels && (
          <TextField
            id="vq-counts"
            label="Counts to compare, such as 1,2,4 (empty: 1, 2, 4 up to the maximum)"
            value={counts}
            onChange={setCounts}
          />
        )}
        <TextField
          id="vq-rounds"
          label="Rounds at most (empty: as many as an answer needs)"
          keyboard="numeric"
          value={rounds}
          onChange={setRounds}
        />
        <TextField
          id="vq-seconds"
          label="Seconds for each measurement"
          keyboard="decimal"
          value={seconds}
          onChange={setSeconds}
        />
        <div className="vq-row">
          <Button type="submit" isDisabled={isRunning || varied.length === 0}>
            Start the trial
          </Button>
          {isRunning && (
            <Button variant="secondary" onClick={trial.stop}>
              Stop
            </Button>
          )}
        </div>
      </ActionForm>
      {isRunning && (
        <Progress
          title={
            progress === undefined
              ? 'Preparing'
              : `Measurement ${progress.done + 1} of at most ${progress.most}: ${combination(progress)}`
          }
          value={progress === undefined ? 0 : (100 * progress.done) / progress.most}
        />
      )}
      {trial.problem !== undefined && <Problem text={trial.problem} />}
      {trial.value !== undefined && <Result trial={trial.value} />}
    </Section>
  )
}

function Result({ trial }: { readonly trial: Trial }) {
  const [kept, keep] = useState<Trial['settings'][number] | undefined>(undefined)
  const changes = changedKeys(trial)
  const { reload } = useGuest()
  return (
    <>
      <Alert
        isInline
        component="p"
        variant={changes.length > 0 ? 'success' : 'info'}
        title={`${trial.verdict}: ${trial.why}`}
        className="vq-break"
      />
      <TrialChart trial={trial} />
      <PagedTable
        label="Each combination compared with the present one"
        rows={trial.comparisons}
        keyOf={combination}
        columns={[
          { title: 'Combination', cell: combination },
          { title: trial.metric === 'bytes' ? 'Moved' : 'Speed', cell: ({ rate }) => intervalText(rate) },
          { title: 'CPU time per unit', cell: ({ cost }) => intervalText(cost) },
          { title: 'Finding', cell: ({ finding }) => finding.replaceAll('-', ' ') },
        ]}
      />
      {changes.length > 0 && (
        <div className="vq-row">
          {changes.map((change) => (
            <Button key={change.key} variant="secondary" onClick={() => keep(change)}>
              {change.key === CHANNELS
                ? `Keep ${plural(trial.channels, 'channel')}…`
                : `Keep ${change.key} = ${change.value}…`}
            </Button>
          ))}
        </div>
      )}
      {kept !== undefined && (
        <ChangeSetting
          nic={trial.nic}
          name={kept.key}
          text={kept.value}
          onChange={reload}
          onClose={() => keep(undefined)}
        />
      )}
    </>
  )
}

/** What the recommended combination has that the present one has not. */
function changedKeys({ channels, present, settings, presentSettings }: Trial): Trial['settings'] {
  const others = settings.filter(
    ({ key, value }) => !presentSettings.some((now) => now.key === key && now.value === value),
  )
  return channels === present ? others : [{ key: CHANNELS, value: String(channels) }, ...others]
}

function intervalText({ estimate, low, high }: Trial['comparisons'][number]['rate']): string {
  const percent = (ratio: number | null): string =>
    ratio === null ? 'any' : `${ratio >= 1 ? '+' : '−'}${Math.abs(Math.round((ratio - 1) * 100))} %`
  return `${percent(estimate)} (${percent(low)} to ${percent(high)})`
}
