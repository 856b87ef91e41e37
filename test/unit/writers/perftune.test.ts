import { perftune } from '../../../src/writers/perftune'
import { testFixture } from '../../support/writers'

testFixture(perftune)
