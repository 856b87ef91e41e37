import { modprobe } from '../../../src/writers/modprobe'
import { testFixture } from '../../support/writers'

testFixture(modprobe)
