import { expect, it } from 'vitest'
import { type Arm, describeArm, distinctArms, isSameArm } from '../../../src/trial/arm'

const arm = (channels: number, switches: Arm['switches'] = {}): Arm => ({ channels, switches })

it('arms are the same by channels and values', () => {
  expect(isSameArm(arm(2, { rps: 'off' }), arm(2, { rps: 'off' }))).toBe(true)
  expect(isSameArm(arm(2), arm(4))).toBe(false)
  expect(isSameArm(arm(2, { rps: 'off' }), arm(2, { rps: 'spread' }))).toBe(false)
  expect(isSameArm(arm(2, { 'rx-ring': 64 }), arm(2, { 'rx-ring': '64' }))).toBe(false)
})

it('each is there once, by its channels as numbers, then by its values', () => {
  const [off, spread] = [arm(2, { rps: 'off' }), arm(2, { rps: 'spread' })]
  expect(distinctArms([arm(16), spread, arm(2), off, arm(16), { ...off }])).toEqual([
    off,
    spread,
    arm(2),
    arm(16),
  ])
  expect(distinctArms([])).toEqual([])
})

it('an arm is described by its channels, and by what else is varied', () => {
  expect(describeArm(arm(1))).toBe('1 channel')
  expect(describeArm(arm(4, { rps: 'off', 'rx-ring': 1024 }))).toBe('4 channels with rps off, rx-ring 1024')
})
