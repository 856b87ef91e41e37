import { convergence } from './convergence'
import { document } from './document'

export const apply = document('vqtune apply --json', convergence)
