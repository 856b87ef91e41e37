import { describe, expect, it } from 'vitest'
import { parseDrops, parseOffloads, parseRootQdisc } from '../../../src/report/parse-nic'

describe('ethtool -k', () => {
  it('tells what is off, and what the host does not offer', () => {
    const text = `Features for enp0s8:
rx-checksumming: on [fixed]
tx-checksumming: off
	tx-checksum-ip-generic: off
tcp-segmentation-offload: off [fixed]
	tx-tcp-segmentation: off [fixed]
generic-segmentation-offload: on
generic-receive-offload: on
`
    expect(parseOffloads(text)).toEqual({ off: ['tx-checksumming'], fixed: ['tcp-segmentation-offload'] })
  })
  it('of no answer nothing follows', () => {
    expect(parseOffloads('')).toEqual({ off: [], fixed: [] })
  })
})

describe('tc -s -j qdisc show', () => {
  it('tells the root and its requeues', () => {
    const text =
      '[{"kind":"fq_codel","handle":"8001:","root":true,"refcnt":2,"options":{},"bytes":1,"packets":2,"drops":0,"overlimits":0,"requeues":7}]'
    expect(parseRootQdisc(text)).toEqual({ kind: 'fq_codel', requeues: 7 })
  })
  it('the children of mq are not the root', () => {
    const text =
      '[{"kind":"fq_codel","parent":":1","requeues":3},{"kind":"mq","handle":"0:","root":true,"requeues":5}]'
    expect(parseRootQdisc(text)).toEqual({ kind: 'mq', requeues: 5 })
  })
  it.each(['', '[]', '{}', '[null,1]', '[{"root":true}]', '[{"root":true,"kind":1}]', 'Error: no device'])(
    '%s: not told',
    (text) => {
      expect(parseRootQdisc(text)).toBeUndefined()
    },
  )
  it('requeues that are no count are none', () => {
    for (const requeues of ['"7"', '-1', 'null']) {
      const text = `[{"kind":"mq","root":true,"requeues":${requeues}}]`
      expect(parseRootQdisc(text)).toEqual({ kind: 'mq', requeues: 0 })
    }
  })
})

describe('drops in /proc/net/dev', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
  eth1:    1    2    0   3    0     0          0         0     4   5    0    6    0     0       0          0
 eth10:    1    2    0   9    0     0          0         0     4   5    0    9    0     0       0          0
  eth2:    1    2    0   x    0     0          0         0     4   5    0    6    0     0       0          0
  eth3:    1    2    0   1
`
  it('are those of the NIC', () => {
    expect(parseDrops(text, 'eth1')).toEqual({ rx: 3, tx: 6 })
  })
  it.each(['eth0', 'eth2', 'eth3'])('%s: not told', (nic) => {
    expect(parseDrops(text, nic)).toBeUndefined()
  })
})
