import { describe, expect, test } from 'vitest'
import { cron, cronJobs } from '../../../src/writers/cron'
import { foundBy, testFixture } from '../../support/writers'

/** `line, when: command` */
const jobs = (text: string, hasUser: boolean) =>
  cronJobs(text, hasUser).map(({ line, when, command }) => `${line}, ${when}: ${command}`)

describe('lines of a table', () => {
  test.each([
    ['*/5 * * * * root a b', ['1, */5 * * * *: a b']],
    ['0  4\t* * mon-fri  root  a', ['1, 0 4 * * mon-fri: a']],
    ['@reboot root a', ['1, @reboot: a']],
    ['\n# 0 4 * * * root a\n  @daily root b\r\n', ['3, @daily: b']],
    ['0 4 * * * bob a', []],
    ['0 4 * * * root', []],
    ['0 4 * *', []],
    // The rest after % is standard input; see crontab(5).
    ['@daily root a %b\\%c', ['1, @daily: a ']],
    ['@daily root a \\%b', ['1, @daily: a %b']],
  ])('of the system: %j', (text, expected) => {
    expect(jobs(text, true)).toEqual(expected)
  })

  test('in a table of its own there is no column for the user', () => {
    expect(jobs('@reboot root a\n0 4 * * * a b', false)).toEqual(['1, @reboot: root a', '2, 0 4 * * *: a b'])
  })

  test('a variable is that of the lines before', () => {
    const found = cronJobs('A=1\n@daily root x\nA = "2 3"\nB=\'4\'\n@daily root y\n', true)
    expect(found.map(({ bindings }) => Object.fromEntries(bindings))).toEqual([
      { A: ['1'] },
      { A: ['2 3'], B: ['4'] },
    ])
  })
})

test('what is found says when it runs, and how to take it out', () => {
  const CALL = 'ethtool -L ens3 combined 2'
  const found = (path: string, text: string) =>
    foundBy(cron, { [path]: text }).map(({ what, remedy }) => `${what} -> ${remedy}`)
  expect(found('/etc/crontab', `\n*/5 * * * * root ${CALL}\n`)).toEqual([
    `runs ${CALL} by cron (*/5 * * * *) -> remove line 2 of /etc/crontab`,
  ])
  expect(found('/var/spool/cron/root', `@reboot ${CALL}\n`)).toEqual([
    `runs ${CALL} by cron (@reboot) -> remove line 1 of /var/spool/cron/root with crontab -e`,
  ])
  expect(found('/etc/anacrontab', `@monthly 45 q ${CALL}\n`)).toEqual([
    `runs ${CALL} by cron (anacron, @monthly) -> remove line 1 of /etc/anacrontab`,
  ])
  expect(found('/etc/cron.daily/q', `#!/bin/sh\n${CALL}\n`)).toEqual([
    `runs ${CALL} by cron (daily) (it is not executable, so it is not run) -> remove line 2 of /etc/cron.daily/q, or run chmod -x /etc/cron.daily/q`,
  ])
})

testFixture(cron)
