import { describe, expect, test } from 'vitest'
import { systemdUnit } from '../../../src/writers/systemd-unit'
import { foundBy, testFixture } from '../../support/writers'

const ETC = '/etc/systemd/system'
const CALL = 'ethtool -L ens3 combined 2'
const found = (text: string, files: Readonly<Record<string, string>> = {}, name = 'q.service') =>
  foundBy(systemdUnit, { [`${ETC}/${name}`]: `[Service]\n${text}`, ...files })
const values = (text: string, files: Readonly<Record<string, string>> = {}) =>
  found(text, files).map(({ value }) => value)

test('enabled or not, it says how to switch it off', () => {
  const finding = {
    writer: 'systemd-unit',
    where: `${ETC}/q.service:2`,
    what: `runs ${CALL} (ExecStart= of q.service) (the unit is not enabled)`,
    tunable: 'channels',
    matches: 'maybe',
    remedy:
      'systemctl mask q.service, so that nothing starts it (systemctl disable --now q.service if it runs)',
    value: '2',
  }
  expect(found(`ExecStart=${CALL}\n`)).toEqual([finding])
  expect(found(`ExecStart=${CALL}\n`, { [`${ETC}/multi-user.target.wants/q.service`]: '' })).toEqual([
    {
      ...finding,
      what: `runs ${CALL} (ExecStart= of q.service)`,
      matches: 'yes',
      remedy: 'systemctl disable --now q.service',
    },
  ])
})

test.each([
  'ExecStart',
  'ExecStartPre',
  'ExecStartPost',
  'ExecReload',
  'ExecStop',
  'ExecStopPost',
  'ExecCondition',
])('%s= is a command', (key) => {
  expect(found(`${key}=-@!!${CALL}\n`)).toHaveLength(1)
})

test('other keys and other units run nothing of this, and neither does vqtune', () => {
  expect(found(`ExecStartX=${CALL}\nDescription=${CALL}\n`)).toEqual([])
  expect(found(`ExecStart=${CALL}\n`, {}, 'q.socket')).toEqual([])
  expect(found(`ExecStart=${CALL}\n`, {}, 'vqtune.service')).toEqual([])
})

describe('variables', () => {
  const RUN = 'ExecStart=ethtool -L ens3 combined $N\n'
  test.each([
    ['Environment=N=2\n', ['2']],
    ['Environment=A=1 N=2\nEnvironment=N=3\n', ['3']],
    ['Environment="N=2" \'A=1\'\n', ['2']],
    ['Environment=N="2"\n', ['2']],
    ['Environment=N=2\nEnvironment=\n', [undefined]],
    ['EnvironmentFile=/etc/q.env\n', ['4']],
    ['Environment=N=2\nEnvironmentFile=-/etc/q.env\n', ['4']],
    ['EnvironmentFile=-/etc/gone.env\n', [undefined]],
  ])('%j', (text, expected) => {
    const file = '# N=5\n; N=6\nA="1 2"\nN=\'4\'\r\n'
    expect(values(`${text}${RUN}`, { '/etc/q.env': file })).toEqual(expected)
  })
})

describe('specifiers', () => {
  /** What a script is called with. */
  const argument = (specifier: string, name: string, link: string) =>
    found(
      `ExecStart=/opt/q ${specifier}\n`,
      { '/opt/q': '[ "$1" = ens3 ] && ethtool -L "$1" combined 2\n', [link]: '' },
      name,
    ).length === 1
  const WANTS = `${ETC}/multi-user.target.wants`

  test.each([
    ['%i', 'q@.service', `${WANTS}/q@ens3.service`, true],
    ['%I', 'q@.service', `${WANTS}/q@ens3.service`, true],
    ['%I', 'q@.service', `${WANTS}/q@en\\x733.service`, true],
    ['%i', 'q@.service', `${WANTS}/q@eth0.service`, false],
    ['%p', 'ens3@.service', `${WANTS}/ens3@a.service`, true],
    ['%N', 'ens3.service', `${WANTS}/ens3.service`, true],
    ['%n', 'ens3.service', `${WANTS}/ens3.service`, false],
    ['%%i', 'q@.service', `${WANTS}/q@ens3.service`, false],
    // Of a template without an instance it may be any.
    ['%i', 'q@.service', '/x', true],
  ])('%s of %s, %s: %s', (specifier, name, link, expected) => {
    expect(argument(specifier, name, link)).toBe(expected)
  })
})

testFixture(systemdUnit)
