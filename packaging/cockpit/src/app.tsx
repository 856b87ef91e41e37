import { Nav, NavItem, NavList, Title } from '@patternfly/react-core'
import { GuestProvider } from './answers/guest'
import { linkTo, useLocation } from './use-location'
import { ConfigurationView } from './views/configuration'
import { DaemonView } from './views/daemon'
import { DriftView } from './views/drift'
import { HostView } from './views/host'
import { NicView } from './views/nic'
import { OverviewView } from './views/overview'
import { ReportView } from './views/report'

/** In the order of the bar. The first is what the page opens with. */
const VIEWS = [
  { path: '', title: 'NICs', View: OverviewView },
  { path: 'drift', title: 'Drift', View: DriftView },
  { path: 'report', title: 'Report', View: ReportView },
  { path: 'configuration', title: 'Configuration', View: ConfigurationView },
  { path: 'daemon', title: 'Daemon', View: DaemonView },
  { path: 'host', title: 'Host', View: HostView },
] as const

export function App() {
  const [first = '', name = '', part = ''] = useLocation()
  const isNic = first === 'nic' && name !== ''
  const { View } = VIEWS.find(({ path }) => path === first) ?? VIEWS[0]
  return (
    <GuestProvider>
      <main className="vq-page">
        <Title headingLevel="h1" size="2xl">
          NIC queues
        </Title>
        <Nav variant="horizontal-subnav" aria-label="Views">
          <NavList>
            {VIEWS.map(({ path, title }) => (
              <NavItem key={path} to={linkTo(path)} isActive={isNic ? path === '' : path === first}>
                {title}
              </NavItem>
            ))}
          </NavList>
        </Nav>
        {isNic ? <NicView key={name} name={name} part={part} /> : <View />}
      </main>
    </GuestProvider>
  )
}
