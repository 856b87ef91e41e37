import { setIrqAffinity } from '../../../src/writers/set-irq-affinity'
import { testFixture } from '../../support/writers'

testFixture(setIrqAffinity)
