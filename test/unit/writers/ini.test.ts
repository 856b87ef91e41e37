import { expect, test } from 'vitest'
import { iniLines, iniValue, parseIni } from '../../../src/writers/ini'

test('lines of an INI file that are no pairs, or stand before any section, are skipped', () => {
  expect(parseIni('x=0\n[a]\nnoise\n=x\nb = 1\n')).toEqual(new Map([['a', [['b', '1']]]]))
})
