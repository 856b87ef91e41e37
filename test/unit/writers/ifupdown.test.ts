import { ifupdown } from '../../../src/writers/ifupdown'
import { testFixture } from '../../support/writers'

testFixture(ifupdown)
