import { systemdUnit } from '../../../src/writers/systemd-unit'
import { testFixture } from '../../support/writers'

testFixture(systemdUnit)
