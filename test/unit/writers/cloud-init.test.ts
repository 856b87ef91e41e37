import { describe, expect, test } from 'vitest'
import { cloudCommands, cloudInit } from '../../../src/writers/cloud-init'
import { foundBy, testFixture } from '../../support/writers'

const commands = (text: string) =>
  cloudCommands(text).map(({ key, line, command }) => `${key} ${line}: ${command}`)

describe('commands of a configuration', () => {
  test.each([
    ['runcmd:\n  - a b\nbootcmd:\n- c\n', ['runcmd 2: a b', 'bootcmd 4: c']],
    ['runcmd:\r\n  - a # why\r\n\r\n  # - b\r\n', ['runcmd 2: a']],
    ['packages:\n  - a\n', []],
    ['runcmd:\n  - a\npackages:\n  - b\n', ['runcmd 2: a']],
    // Quotes of YAML.
    ['runcmd:\n  - "a \\"b\\" # c"\n', ['runcmd 2: a "b" # c']],
    ["runcmd:\n  - 'a ''b'''\n", ["runcmd 2: a 'b'"]],
    // A list is one command, each item one word.
    ['runcmd:\n  - [a, "b c", \'d\']\n', ["runcmd 2: 'a' 'b c' 'd'"]],
    ['runcmd:\n  - [a, "it\'s"] # why\n', ["runcmd 2: 'a' 'it'\\''s'"]],
    ['runcmd:\n- - a\n  - b c\n- - d\n', ["runcmd 2: 'a' 'b c'", "runcmd 4: 'd'"]],
    ['runcmd:\n- - a\n  - b\npackages:\n- c\n', ["runcmd 2: 'a' 'b'"]],
    // A block is a script, whose line is that of its text.
    ['runcmd:\n  - |\n    a\n\n    b\n  - c\n', ['runcmd 3: a\n\nb', 'runcmd 6: c']],
    ['runcmd:\n  - |-\n    a', ['runcmd 3: a']],
    // All in one line.
    ['bootcmd: [a b, [c, "d e"]]\n', ['bootcmd 1: a b', "bootcmd 1: 'c' 'd e'"]],
    ['runcmd: []\npackages: [a]\n', []],
    ['', []],
  ])('%j', (text, expected) => {
    expect(commands(text)).toEqual(expected)
  })
})

test('what is found says when it runs, and how to switch it off', () => {
  const CALL = 'ethtool -L ens3 combined 2'
  const found = (path: string, text: string, more: Readonly<Record<string, string>> = {}) =>
    foundBy(cloudInit, { [path]: text, ...more }).map(({ what, remedy }) => `${what} -> ${remedy}`)
  const off = (line: number, path: string) =>
    `remove line ${line} of ${path} (user data: at its source, too), or create /etc/cloud/cloud-init.disabled`
  const cfg = '/etc/cloud/cloud.cfg'
  expect(found(cfg, `bootcmd:\n  - ${CALL}\nruncmd:\n  - ${CALL}\n`)).toEqual([
    `runs ${CALL} by cloud-init at each boot -> ${off(2, cfg)}`,
    `runs ${CALL} by cloud-init, once for each instance -> ${off(4, cfg)}`,
  ])
  const boot = '/var/lib/cloud/scripts/per-boot/q'
  expect(found(boot, `#!/bin/sh\n${CALL}\n`)).toEqual([
    `runs ${CALL} by cloud-init at each boot -> ${off(2, boot)}`,
  ])
  const part = '/var/lib/cloud/instance/scripts/q'
  expect(found(part, `#!/bin/sh\n${CALL}\n`, { '/etc/systemd/system/cloud-final.service': '' })).toEqual([
    `runs ${CALL} by cloud-init, once for each instance (cloud-init is masked) -> ${off(2, part)}`,
  ])
})

testFixture(cloudInit)
