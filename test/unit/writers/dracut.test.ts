import { dracut } from '../../../src/writers/dracut'
import { testFixture } from '../../support/writers'

testFixture(dracut)
