import { Content, List, ListItem, Title } from '@patternfly/react-core'
import type { ReactNode } from 'react'
import type { Answer, Nic } from '../answers/answer'
import { operands } from '../answers/run'
import { useAnswer } from '../answers/use-answer'
import { AnswerState } from '../components/answer-state'
import { Copyable } from '../components/copyable'
import { PagedTable } from '../components/paged-table'
import { Section } from '../components/section'

type Explanation = Answer<'explain'>
type Remedy = Explanation['remedies'][number]

/** Why the NIC has this target, what else may change it, and how it gets more queues here. */
export function ExplainView({ nic: { name } }: { readonly nic: Nic }) {
  // Some files of other writers are for root only.
  const explanation = useAnswer('explain', ['explain', '--json', ...operands(name)], 'try')
  return (
    <AnswerState of={explanation} what="the explanation">
      {(value) => (
        <>
          <Target of={value} />
          {value.remedies.length > 0 && (
            <Section title="How to get more queues">
              {value.remedies.map((remedy) => (
                <RemedySteps key={`${remedy.platform} ${remedy.title}`} remedy={remedy} />
              ))}
            </Section>
          )}
          <Writers of={value} />
          <Section title="What this kernel does">
            <PagedTable
              label="Traits of the kernel"
              rows={value.kernel}
              keyOf={({ trait }) => trait}
              columns={[
                { title: 'Trait', cell: ({ label }) => label },
                { title: 'Here', cell: (trait) => trait.value },
                { title: 'Seen by', cell: ({ seen }) => <span className="vq-break">{seen}</span> },
              ]}
            />
          </Section>
        </>
      )}
    </AnswerState>
  )
}

function Target({ of: { channels, limits, next } }: { readonly of: Explanation }) {
  return (
    <Section title="Target">
      <p>
        {channels.current} channels now, target {channels.target}: <code>{channels.arithmetic}</code>
      </p>
      <Lines label="Limits">
        {limits.map(({ code, text, next: remedy, onHost }) => (
          <ListItem key={code}>
            {text}
            {remedy !== null && (
              <>
                {'. '}
                {onHost ? 'On the host: ' : 'Next: '}
                {remedy}
              </>
            )}
          </ListItem>
        ))}
      </Lines>
      <p>
        <strong>Next:</strong> {next}
      </p>
    </Section>
  )
}

function RemedySteps({ remedy }: { readonly remedy: Remedy }) {
  return (
    <div className="vq-stack">
      <Title headingLevel="h3">{remedy.title}</Title>
      <Content component="ol">
        {remedy.steps.map(({ text, lines }, index) => (
          <li key={text}>
            {text}
            {lines.length > 0 && (
              <Copyable text={lines.join('\n')} what={`step ${index + 1} of ${remedy.title}`} />
            )}
          </li>
        ))}
      </Content>
      {remedy.powerOff && <p>The virtual machine must be powered off. {remedy.powerOffHow}</p>}
      <Lines label="Notes">
        {remedy.notes.map((note) => (
          <ListItem key={note}>{note}</ListItem>
        ))}
      </Lines>
      {remedy.check.length > 0 && (
        <div>
          Afterwards, check in this guest:
          <Copyable text={remedy.check.join('\n')} what={`the check of ${remedy.title}`} />
        </div>
      )}
      <p className="vq-subtle">
        {remedy.tried === null ? 'Not tried.' : `Tried: ${remedy.tried}.`} From: {remedy.source}.
      </p>
    </div>
  )
}

function Writers({ of }: { readonly of: Explanation }) {
  return (
    <Section title="Other software that may change it">
      {of.writers.length === 0 ? (
        <p>None found; {of.knownWriters.length} are known and were searched for.</p>
      ) : (
        <PagedTable
          label="Other writers"
          rows={of.writers}
          keyOf={({ writer, where, what, tunable }) => `${writer} ${where} ${what} ${tunable}`}
          columns={[
            { title: 'Writer', cell: ({ writer }) => writer },
            { title: 'Where', cell: ({ where }) => <span className="vq-break">{where}</span> },
            { title: 'What', cell: ({ what }) => <span className="vq-break">{what}</span> },
            { title: 'Agrees', cell: ({ agrees }) => (agrees === null ? 'unknown' : agrees ? 'yes' : 'no') },
            { title: 'Remedy', cell: ({ remedy }) => <span className="vq-break">{remedy}</span> },
          ]}
        />
      )}
      <Lines label="Remarks">
        {[...(of.audit === null ? [] : [of.audit]), ...of.notSearched].map((line) => (
          <ListItem key={line} className="vq-break">
            {line}
          </ListItem>
        ))}
      </Lines>
    </Section>
  )
}

function Lines({ label, children }: { readonly label: string; readonly children: readonly ReactNode[] }) {
  return children.length === 0 ? null : <List aria-label={label}>{children}</List>
}
