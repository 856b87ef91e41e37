import { sysctl } from '../../../src/writers/sysctl'
import { testFixture } from '../../support/writers'

testFixture(sysctl)
