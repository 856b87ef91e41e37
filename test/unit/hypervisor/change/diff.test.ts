import { expect, it } from 'vitest'
import { hidePasswords, unifiedDiff } from '../../../../src/hypervisor/change/diff'

it('is what patch understands: new file, removed file, missing last newline', () => {
  expect(unifiedDiff('f', undefined, 'a\n')).toBe('--- /dev/null\n+++ f\n@@ -0,0 +1,1 @@\n+a\n')
  expect(unifiedDiff('f', 'a\n', undefined)).toBe('--- f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n')
  expect(unifiedDiff('f', 'a', 'b\n')).toBe(
    '--- f\n+++ f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+b\n',
  )
  expect(unifiedDiff('f', 'a\n', 'a\n')).toBe('')
})

it('starts at the first line of a file with others below, and tells no more than three around', () => {
  const before = 'a\nb\nc\nd\ne\n'
  expect(unifiedDiff('f', before, before.replace('a', 'x'))).toBe(
    '--- f\n+++ f\n@@ -1,4 +1,4 @@\n-a\n+x\n b\n c\n d\n',
  )
})

it('of an empty file and none there is still a difference, without lines', () => {
  expect(unifiedDiff('f', undefined, undefined)).toBe('')
  expect(unifiedDiff('f', undefined, '')).toBe('--- /dev/null\n+++ f\n')
})

it('hides passwords, in either quotes and each of several', () => {
  expect(hidePasswords("passwd=\"a'b\" passwdValidTo='x'\n-<g passwd='c\"d'/>")).toBe(
    "passwd='***' passwdValidTo='x'\n-<g passwd='***'/>",
  )
  expect(hidePasswords("<cipher passwd=''/>")).toBe("<cipher passwd='***'/>")
  expect(hidePasswords(`+ <graphics passwd='s3cret' x='1'/>`)).toBe(`+ <graphics passwd='***' x='1'/>`)
})

it('keeps lines that both sides have between two changes', () => {
  expect(unifiedDiff('f', 'a\nx\nb\n', 'c\nx\nd')).toBe(
    '--- f\n+++ f\n@@ -1,3 +1,3 @@\n-a\n+c\n x\n-b\n+d\n\\ No newline at end of file\n',
  )
})

it('has a hunk for each place', () => {
  const lines = Array.from({ length: 20 }, (_, i) => `${i}`)
  const after = lines.map((line) => (line === '2' || line === '15' ? 'x' : line))
  const heads = unifiedDiff('f', lines.join('\n'), after.join('\n')).match(/^@@.*@@$/gm)
  expect(heads).toEqual(['@@ -1,6 +1,6 @@', '@@ -13,7 +13,7 @@'])
})
