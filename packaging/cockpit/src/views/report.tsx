import { Button, Label, List, ListItem, Spinner, Title } from '@patternfly/react-core'
import { useState } from 'react'
import type { Answer } from '../answers/answer'
import { start } from '../answers/run'
import { useAction } from '../answers/use-action'
import { Problem } from '../components/answer-state'
import { Bar } from '../components/bar'
import { ActionForm, TextField } from '../components/fields'
import { PagedTable } from '../components/paged-table'
import { Section } from '../components/section'
import { percentText, plural, rateText } from '../text'

type Report = Answer<'report'>
type MeasuredNic = Report['nics'][number]

/** Measures the traffic of all NICs, and says whether many queues suit it. */
export function ReportView() {
  const [seconds, setSeconds] = useState('10')
  const report = useAction(() => start('report', ['report', '--json', '--window', seconds.trim()]), {
    stopsAlone: true,
  })
  const isRunning = report.state === 'running'
  return (
    <>
      <Section title="Report">
        <p>Measures the traffic for a while and shows whether many queues suit it. It changes nothing.</p>
        <ActionForm onSubmit={report.begin}>
          <TextField
            id="vq-window"
            label="Seconds to measure"
            keyboard="numeric"
            value={seconds}
            onChange={setSeconds}
          />
          <div className="vq-row">
            <Button type="submit" isDisabled={isRunning}>
              Measure
            </Button>
            {isRunning && (
              <>
                <Spinner size="md" aria-label="Measuring" />
                <Button variant="secondary" onClick={report.stop}>
                  Stop
                </Button>
              </>
            )}
          </div>
        </ActionForm>
        {report.problem !== undefined && <Problem text={report.problem} />}
      </Section>
      {report.value !== undefined && <Measured report={report.value} />}
    </>
  )
}

function Measured({ report }: { readonly report: Report }) {
  return (
    <>
      {report.nics.length === 0 && (
        <Section title="No virtio-net NIC">
          <p>There is none to measure.</p>
        </Section>
      )}
      {report.nics.map((nic) => (
        <NicReport key={nic.name} nic={nic} seconds={report.seconds} />
      ))}
      <Section title="vCPUs">
        <PagedTable
          label="vCPUs"
          rows={report.cpus}
          keyOf={({ cpu }) => String(cpu)}
          columns={[
            { title: 'vCPU', cell: ({ cpu }) => cpu },
            {
              title: 'Busy',
              cell: ({ busy }) => (
                <>
                  {percentText(busy)} <Bar share={busy} />
                </>
              ),
            },
            { title: 'Softirq', cell: ({ softirq }) => percentText(softirq) },
            { title: 'Stolen', cell: ({ stolen }) => percentText(stolen) },
            { title: 'Packets dropped', cell: ({ dropped }) => dropped },
          ]}
        />
      </Section>
    </>
  )
}

function NicReport({ nic, seconds }: { readonly nic: MeasuredNic; readonly seconds: number }) {
  const most = Math.max(1, ...nic.queues.map(loadOf))
  const ofDirection = ({ packets, bytes }: MeasuredNic['rx']): string =>
    `${rateText((bytes * 8) / seconds, 'b/s')}, ${rateText(packets / seconds, 'packets/s')}`
  return (
    <Section title={`${nic.name}: ${plural(nic.channels, 'channel')}`}>
      <p>
        Received {ofDirection(nic.rx)}; sent {ofDirection(nic.tx)}.
      </p>
      {nic.conclusions.length > 0 && (
        <>
          <Title headingLevel="h3">Why it is slow</Title>
          <List>
            {nic.conclusions.map(({ id, text, evidence, next }) => (
              <ListItem key={id}>
                <strong>{text}</strong> ({evidence}) {next}
              </ListItem>
            ))}
          </List>
        </>
      )}
      <PagedTable
        label={`Conditions for many queues on ${nic.name}`}
        rows={nic.conditions}
        keyOf={({ id }) => id}
        columns={[
          { title: 'Condition', cell: ({ title }) => title },
          {
            title: 'Answer',
            cell: ({ answer, favours }) => <AnswerLabel answer={answer} favours={favours} />,
          },
          { title: 'Why', cell: ({ why }) => why },
        ]}
      />
      <PagedTable
        label={`Load of the queues of ${nic.name}`}
        rows={nic.queues}
        keyOf={({ queue }) => String(queue)}
        columns={[
          { title: 'Queue', cell: ({ queue }) => queue },
          { title: 'vCPUs', cell: ({ cpus }) => cpus.join(', ') },
          {
            title: 'Interrupts',
            cell: (queue) => (
              <>
                {loadOf(queue)} <Bar share={loadOf(queue) / most} />
              </>
            ),
          },
          { title: 'Packets received', cell: ({ rxPackets }) => rxPackets ?? 'not counted' },
          { title: 'Packets sent', cell: ({ txPackets }) => txPackets ?? 'not counted' },
        ]}
      />
    </Section>
  )
}

function loadOf({ rxInterrupts, txInterrupts }: MeasuredNic['queues'][number]): number {
  return rxInterrupts + txInterrupts
}

function AnswerLabel({
  answer,
  favours,
}: {
  readonly answer: string
  readonly favours: boolean | undefined
}) {
  const status =
    favours === undefined ? {} : { status: favours ? ('success' as const) : ('warning' as const) }
  return (
    <Label variant="outline" {...status}>
      {answer}
    </Label>
  )
}
