import { expect, test } from 'vitest'
import { kubernetes } from '../../../src/writers/kubernetes'
import { foundBy, NIC, testFixture } from '../../support/writers'

const YAML = '/var/lib/kubelet/config.yaml'
const settings = (files: Readonly<Record<string, string>>) =>
  foundBy(kubernetes, files).map(
    ({ where, what }) => `${where} ${what.replace(/^kubelet has (.*): the container runtime.*$/, '$1')}`,
  )

test('a static CPU manager takes interrupts off the CPUs of pods', () => {
  expect(foundBy(kubernetes, { [YAML]: 'a: b\ncpuManagerPolicy: static\n' })).toEqual([
    {
      writer: 'kubernetes',
      where: `${YAML}:2`,
      what: 'kubelet has cpuManagerPolicy: static: the container runtime may move interrupts off the CPUs of pods',
      tunable: 'irq-affinity',
      matches: 'maybe',
      remedy:
        'leave the annotation irq-load-balancing.crio.io out of pods, or set affinity = false for this NIC',
    },
  ])
})

test.each([
  [
    'reservedSystemCPUs: "0-1"\ncpuManagerPolicy: "static" # why\n',
    [':2 reservedSystemCPUs: 0-1, cpuManagerPolicy: static'],
  ],
  [
    '  cpuManagerPolicy: none\n  reservedSystemCPUs: 0,4\n',
    [':2 cpuManagerPolicy: none, reservedSystemCPUs: 0,4'],
  ],
  ['#cpuManagerPolicy: static\n', []],
  ['cpuManagerPolicyOptions: static\ncpuManagerPolicy:\n', []],
])('%j', (text, expected) => {
  expect(settings({ [YAML]: text })).toEqual(expected.map((one) => `${YAML}${one}`))
})

test('as JSON', () => {
  const path = '/etc/kubernetes/kubelet/kubelet-config.json'
  expect(settings({ [path]: '{\n  "cpuManagerPolicy": "static",\n  "x": 1\n}\n' })).toEqual([
    `${path}:2 cpuManagerPolicy: static`,
  ])
})

test('a NIC without queues has no interrupts that it could move', () => {
  expect(foundBy(kubernetes, { [YAML]: 'cpuManagerPolicy: static\n' }, { ...NIC, queues: [] })).toEqual([])
})

testFixture(kubernetes)
