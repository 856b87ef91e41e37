import { kubernetes } from '../../../src/writers/kubernetes'
import { testFixture } from '../../support/writers'

testFixture(kubernetes)
