import { katalyst } from '../../../src/writers/katalyst'
import { testFixture } from '../../support/writers'

testFixture(katalyst)
