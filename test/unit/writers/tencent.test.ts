import { chmodSync } from 'node:fs'
import { expect, test } from 'vitest'
import { tencent } from '../../../src/writers/tencent'
import { systemWith } from '../../support/systems'
import { NIC, testFixture, withoutRoot } from '../../support/writers'

const SCRIPT = '/usr/local/qcloud/xps/set_xps.sh'

function found(rcLocal: string, mode = 0o755) {
  const system = systemWith({ [SCRIPT]: '', '/etc/rc.local': rcLocal })
  chmodSync(`${system.paths.root}/etc/rc.local`, mode)
  return tencent.find(system, NIC).map((writer) => withoutRoot(writer, system))
}

test('what starts it is named', () => {
  expect(found(`#!/bin/sh\n(${SCRIPT} >/tmp/x 2>&1) &\n`)).toEqual([
    {
      writer: 'tencent-qcloud',
      where: SCRIPT,
      what: "Tencent's script sets xps of all NICs at boot; /etc/rc.local runs it",
      tunable: 'xps',
      matches: 'yes',
      remedy: `remove ${SCRIPT} from /etc/rc.local`,
    },
  ])
})

test('an rc.local that is not executable starts nothing', () => {
  expect(found(`${SCRIPT}\n`, 0o644)).toMatchObject([
    {
      what: "Tencent's script sets xps of all NICs at boot (what starts it was not found)",
      matches: 'maybe',
      remedy: `remove ${SCRIPT} from what runs it`,
    },
  ])
})

testFixture(tencent)
