import { List, ListItem, Switch } from '@patternfly/react-core'
import { useState } from 'react'
import type { Nic } from '../answers/answer'
import { type QueueLoad, useQueueLoads } from '../answers/use-queue-loads'
import { Problem } from '../components/answer-state'
import { Bar } from '../components/bar'
import { type Column, PagedTable } from '../components/paged-table'
import { Section } from '../components/section'
import { rateText } from '../text'

type Queue = Nic['queues'][number]

/** The map of queues to interrupts to vCPUs. */
export function QueuesView({ nic }: { readonly nic: Nic }) {
  const [isLive, setLive] = useState(false)
  const { loads, problem } = useQueueLoads(nic.name, isLive)
  const xps = new Map(
    nic.settings.flatMap(({ tunable, key, value }) => (tunable === 'xps' ? [[key, value] as const] : [])),
  )
  const load: readonly Column<Queue>[] = isLive
    ? [{ title: 'Load', cell: ({ queue }) => <Load of={loads} queue={queue} /> }]
    : []
  return (
    <Section
      title="Queues, interrupts and vCPUs"
      actions={
        <Switch
          id="vq-live-load"
          label="Live load"
          isChecked={isLive}
          onChange={(_, isOn) => setLive(isOn)}
        />
      }
    >
      {problem !== undefined && <Problem text={problem} />}
      <PagedTable
        label={`Queues of ${nic.name}`}
        rows={nic.queues}
        keyOf={({ queue }) => String(queue)}
        columns={[
          { title: 'Queue', cell: ({ queue }) => queue },
          { title: 'Receive IRQ → vCPU', cell: ({ rxIrq }) => irqText(rxIrq) },
          { title: 'Transmit IRQ → vCPU', cell: ({ txIrq }) => irqText(txIrq) },
          { title: 'XPS vCPU', cell: ({ queue }) => cpusText(xps.get(`queue ${queue}`)) },
          { title: 'Desired vCPU', cell: ({ desired }) => (desired === null ? 'removed' : desired.irq) },
          ...load,
          { title: 'Private', cell: (queue) => <Privacy of={queue} /> },
        ]}
      />
    </Section>
  )
}

function irqText(irq: Queue['rxIrq']): string {
  if (irq === null) return 'none'
  const { affinity, effective } = irq
  const where = cpusText(affinity ?? undefined)
  return effective === null || effective === affinity
    ? `${irq.irq} → ${where}`
    : `${irq.irq} → ${where}, arrives on ${effective}`
}

function cpusText(cpus: string | undefined): string {
  return cpus === undefined ? 'unknown' : cpus === '' ? 'none' : cpus
}

function Privacy({ of }: { readonly of: Queue }) {
  if (of.private) return 'yes'
  if (of.problems.length === 0) return 'no'
  return (
    <List isPlain aria-label={`Why queue ${of.queue} is not private`}>
      {of.problems.map((problem) => (
        <ListItem key={problem}>{problem}</ListItem>
      ))}
    </List>
  )
}

function Load({
  of,
  queue,
}: {
  readonly of: ReadonlyMap<number, QueueLoad> | undefined
  readonly queue: number
}) {
  const load = of?.get(queue)
  if (load === undefined) return of === undefined ? 'measuring' : 'unknown'
  return (
    <>
      {rateText(load.perSecond, load.unit)}
      <Bar share={load.share} />
    </>
  )
}
