import '@patternfly/react-core/dist/styles/base.css'
import './style.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app'
import { followCockpitStyle } from './dark-mode'

followCockpitStyle()
const root = document.getElementById('page')
if (root === null) throw new Error('index.html has no #page')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
