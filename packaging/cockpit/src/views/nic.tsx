import {
  Breadcrumb,
  BreadcrumbItem,
  EmptyState,
  EmptyStateBody,
  List,
  ListItem,
  Nav,
  NavItem,
  NavList,
} from '@patternfly/react-core'
import type { Nic } from '../answers/answer'
import { useGuest } from '../answers/guest'
import { AnswerState } from '../components/answer-state'
import { FactList } from '../components/fact-list'
import { Section } from '../components/section'
import { StateLabel } from '../components/state-label'
import { limitText } from '../text'
import { linkTo } from '../use-location'
import { ChangeNics } from './change-nics'
import { ExplainView } from './explain'
import { QueuesView } from './queues'
import { TrialView } from './trial'

const PARTS = [
  { path: '', title: 'Queues', Part: QueuesView },
  { path: 'explain', title: 'Explanation', Part: ExplainView },
  { path: 'trial', title: 'Trial', Part: TrialView },
] as const

/** One NIC: what it has, and the parts below. */
export function NicView({ name, part }: { readonly name: string; readonly part: string }) {
  const { status } = useGuest()
  const { Part } = PARTS.find(({ path }) => path === part) ?? PARTS[0]
  return (
    <>
      <Breadcrumb aria-label="Path to this NIC">
        <BreadcrumbItem to={linkTo()}>NICs</BreadcrumbItem>
        <BreadcrumbItem isActive>{name}</BreadcrumbItem>
      </Breadcrumb>
      <AnswerState of={status} what="the status of the NIC">
        {({ nics }) => {
          const nic = nics.find((one) => one.name === name)
          if (nic === undefined) return <Gone name={name} />
          return (
            <>
              <Facts nic={nic} />
              <Nav variant="horizontal-subnav" aria-label={`Views of ${name}`}>
                <NavList>
                  {PARTS.map(({ path, title }) => (
                    <NavItem key={path} to={linkTo('nic', name, path)} isActive={path === part}>
                      {title}
                    </NavItem>
                  ))}
                </NavList>
              </Nav>
              <Part nic={nic} />
            </>
          )
        }}
      </AnswerState>
    </>
  )
}

function Gone({ name }: { readonly name: string }) {
  return (
    <EmptyState titleText={`No NIC ${name}`} headingLevel="h2">
      <EmptyStateBody>It was removed or renamed. The list of NICs has those that are there.</EmptyStateBody>
    </EmptyState>
  )
}

function Facts({ nic }: { readonly nic: Nic }) {
  const { channels } = nic
  const facts = {
    State: <StateLabel state={nic.state} />,
    Channels: channels.current,
    Target: `${channels.target} (${limitText(channels.limitedBy)})`,
    'Host maximum': channels.maximum ?? 'unknown',
    MAC: nic.mac,
    Device: `${nic.virtio}, ${nic.bus} ${nic.busAddress}`,
    Link: nic.master === null ? nic.operstate : `${nic.operstate}, port of ${nic.master}`,
  }
  const remarks = [
    ...(nic.obstacle === null ? [] : [nic.obstacle.why]),
    ...nic.skips.map(({ tunable, why }) => `${tunable ?? 'The NIC'} is skipped: ${why}`),
    ...nic.notes,
  ]
  return (
    <Section title={nic.name} actions={<ChangeNics nic={nic.name} />}>
      <FactList of={facts} columns={{ default: '1Col', md: '2Col', xl: '3Col' }} />
      {remarks.length > 0 && (
        <List aria-label="Remarks">
          {remarks.map((remark) => (
            <ListItem key={remark}>{remark}</ListItem>
          ))}
        </List>
      )}
    </Section>
  )
}
