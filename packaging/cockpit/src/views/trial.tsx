import { Alert, Button, Progress } from '@patternfly/react-core'
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
import { plural } from '../text'
import { ChangeSetting } from './configuration'

type Trial = Answer<'trial'>
type Progressed = Answer<'trial-progress'>['progress']

/** Measures the counts of channels in turn on the traffic that there is. */
export function TrialView({ nic: { name } }: { readonly nic: Nic }) {
  const { reload } = useGuest()
  const [counts, setCounts] = useState('')
  const [rounds, setRounds] = useState('')
  const [seconds, setSeconds] = useState('5')
  const [progress, setProgress] = useState<Progressed | undefined>(undefined)
  const args = [
    ...['trial', '--json', '--progress', '--window', seconds.trim()],
    ...(counts.trim() === '' ? [] : ['--counts', counts.replaceAll(' ', '')]),
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
        Sets the counts of channels in turn, measures the traffic with each, and at the end restores what was
        set, also if you stop it or leave this page. Each change interrupts the traffic for a moment.
      </p>
      <ActionForm onSubmit={trial.begin}>
        <TextField
          id="vq-counts"
          label="Counts to compare, such as 1,2,4 (empty: 1, 2, 4 up to the maximum)"
          value={counts}
          onChange={setCounts}
        />
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
          <Button type="submit" isDisabled={isRunning}>
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
              : `Measurement ${progress.done + 1} of at most ${progress.most}: ${plural(progress.channels, 'channel')}`
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
  const [isKeeping, keep] = useState(false)
  const isChange = trial.channels !== trial.present
  const { reload } = useGuest()
  return (
    <>
      <Alert
        isInline
        component="p"
        variant={isChange ? 'success' : 'info'}
        title={`${trial.verdict}: ${trial.why}`}
        className="vq-break"
      />
      <TrialChart trial={trial} />
      <PagedTable
        label="Each count compared with the present one"
        rows={trial.comparisons}
        keyOf={({ channels }) => String(channels)}
        columns={[
          { title: 'Channels', cell: ({ channels }) => channels },
          { title: trial.metric === 'bytes' ? 'Moved' : 'Speed', cell: ({ rate }) => intervalText(rate) },
          { title: 'CPU time per unit', cell: ({ cost }) => intervalText(cost) },
          { title: 'Finding', cell: ({ finding }) => finding.replaceAll('-', ' ') },
        ]}
      />
      {isChange && (
        <Button variant="secondary" onClick={() => keep(true)}>
          Keep {plural(trial.channels, 'channel')}…
        </Button>
      )}
      {isKeeping && (
        <ChangeSetting
          nic={trial.nic}
          name="channels"
          text={String(trial.channels)}
          onChange={reload}
          onClose={() => keep(false)}
        />
      )}
    </>
  )
}

function intervalText({ estimate, low, high }: Trial['comparisons'][number]['rate']): string {
  const percent = (ratio: number | null): string =>
    ratio === null ? 'any' : `${ratio >= 1 ? '+' : '−'}${Math.abs(Math.round((ratio - 1) * 100))} %`
  return `${percent(estimate)} (${percent(low)} to ${percent(high)})`
}
