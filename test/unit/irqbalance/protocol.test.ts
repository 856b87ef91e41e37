import { describe, expect, it } from 'vitest'
import { banMessage, parseSetup, SETUP } from '../../../src/irqbalance/protocol'

describe('messages', () => {
  it('end in NUL, which versions before 1.9 need; the list is ascending, as 0 may only come first', () => {
    expect(SETUP).toBe('setup\0')
    expect(banMessage([36, 0, 35])).toBe('settings ban irqs 0 35 36 \0')
    expect(banMessage([])).toBe('settings ban irqs NONE\0')
  })

  it('have a space, and no number, where an old version stops reading, whatever the length of the numbers', () => {
    for (const first of [7, 70, 700, 7_000, 70_000]) {
      const irqs = Array.from({ length: 200 }, (_, i) => first + i)
      const message = banMessage(irqs)
      const whole = message.slice('settings ban irqs '.length, -1).trim().split(/ +/).map(Number)
      expect(whole).toEqual(irqs)
      const read = message.slice(0, 500).slice('settings ban irqs '.length).trim().split(/ +/).map(Number)
      expect(irqs.slice(0, read.length)).toEqual(read)
      expect(read.length).toBeGreaterThan(75)
    }
  })

  it('stay below what the newest refuses', () => {
    const irqs = Array.from({ length: 4_000 }, (_, i) => 1_000 + i)
    const message = banMessage(irqs)
    expect(message.length).toBeLessThan(16_384)
    expect(message.length).toBeGreaterThan(16_370)
    expect(message).toMatch(/ \d{4} \0$/)
  })
})

describe('the answer to setup', () => {
  // As irqbalance 1.9.2 answers.
  const ANSWER =
    'SLEEP 10 IRQ 5 LOAD 0 DIFF 0 CLASS 0 IRQ 10 LOAD 123456 DIFF 12 CLASS 5 BANNED 00000000,00000003'

  it('lists what is banned', () => {
    expect(parseSetup(ANSWER)).toEqual(new Set([5, 10]))
    expect(parseSetup('SLEEP 10 BANNED 00000000')).toEqual(new Set())
    expect(parseSetup(`${ANSWER}\n\0`)).toEqual(new Set([5, 10]))
  })

  it.each(['', 'hello', 'SLEEP 10 ', 'BANNED 0', 'SLEEP 10 IRQ 5 LOAD', ANSWER.slice(0, 40), `x${ANSWER}`])(
    'is not %j',
    (answer) => expect(parseSetup(answer)).toBeUndefined(),
  )
})
