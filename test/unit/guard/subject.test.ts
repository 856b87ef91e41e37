import { describe, expect, it } from 'vitest'
import type { Reading } from '../../../src/guard/readings'
import { channelSubject, settingsSubject } from '../../../src/guard/subject'

const READING: Reading = { atMs: 0, channels: 4, settings: '4; rps queue 0 1', bytes: 0, packets: 0 }

describe('a comparison of channels', () => {
  const subject = channelSubject(1, 4)

  it('tells the two states by their counts, as readings have them', () => {
    expect([subject.before, subject.after, subject.stateOf(READING)]).toEqual(['1', '4', '4'])
  })

  it('is described with its counts', () => {
    expect([subject.noun, subject.versus]).toEqual(['channels', 'with 4 instead of 1 channels'])
    expect(subject.changedTo('2')).toBe('the channels were changed to 2 meanwhile')
    expect(subject.missed('4')).toBe('it did not get 4 channels')
  })
})

describe('a comparison of other settings', () => {
  const subject = settingsSubject(['rps', 'rings'], 'a', '4; rps queue 0 1')

  it('tells the two states by all settings, as readings have them', () => {
    expect([subject.before, subject.after]).toEqual(['a', '4; rps queue 0 1'])
    expect(subject.stateOf(READING)).toBe('4; rps queue 0 1')
  })

  it('is described with the names of the tunables, without their values', () => {
    expect(subject.noun).toBe('rps and rings')
    expect(subject.versus).toBe('with the new values of rps and rings instead of those before')
    expect(subject.changedTo('x')).toBe('settings of the NIC were changed meanwhile')
    expect(subject.missed('x')).toBe('it did not get the values of rps and rings')
  })
})
