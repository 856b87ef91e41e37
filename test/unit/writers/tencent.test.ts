import { tencent } from '../../../src/writers/tencent'
import { testFixture } from '../../support/writers'

testFixture(tencent)
