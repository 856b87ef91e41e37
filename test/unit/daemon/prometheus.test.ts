import { describe, expect, it } from 'vitest'
import { chooseFormat, renderMetrics } from '../../../src/daemon/prometheus'

describe('renderMetrics', () => {
  it('escapes label values and help, and leaves empty families out', () => {
    const text = renderMetrics([
      { name: 'a', type: 'gauge', help: 'One\\two', samples: [{ labels: { nic: 'e"t\\h\n0' }, value: 1.5 }] },
      { name: 'b_total', type: 'counter', help: 'None', samples: [] },
    ])
    expect(text).toBe(
      '# HELP vqtune_a One\\\\two.\n# TYPE vqtune_a gauge\nvqtune_a{nic="e\\"t\\\\h\\n0"} 1.5\n',
    )
  })

  it('names families as OpenMetrics wants them, and ends with its mark', () => {
    const families = [
      {
        name: 'build_info',
        type: 'info',
        help: 'One "two"',
        samples: [{ labels: { version: '1' }, value: 1 }],
      },
      { name: 'b_total', type: 'counter', help: 'Three', samples: [{ value: 0 }] },
    ] as const
    expect(renderMetrics(families, 'openmetrics').split('\n')).toEqual([
      '# HELP vqtune_build One \\"two\\".',
      '# TYPE vqtune_build info',
      'vqtune_build_info{version="1"} 1',
      '# HELP vqtune_b Three.',
      '# TYPE vqtune_b counter',
      'vqtune_b_total 0',
      '# EOF',
      '',
    ])
    expect(renderMetrics(families)).toContain(
      '# HELP vqtune_build_info One "two".\n# TYPE vqtune_build_info gauge\n',
    )
    expect(renderMetrics([], 'openmetrics')).toBe('# EOF\n')
  })
})

describe('chooseFormat', () => {
  it.each([
    // Prometheus 2.42, and 2.50 and later.
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'openmetrics',
    ],
    [
      'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
    // Prometheus told to prefer the older format; curl; a browser; nothing at all.
    ['text/plain;version=0.0.4;q=0.6,application/openmetrics-text; version="1.0.0";q=0.5,*/*;q=0.1', 'text'],
    ['*/*', 'text'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'text'],
    [undefined, 'text'],
    // A version that we do not speak, or one that is refused.
    ['application/openmetrics-text;version=2.0.0,text/plain;q=0.1', 'text'],
    ['application/openmetrics-text;q=0', 'text'],
    ['application/openmetrics-text;q=much', 'text'],
  ] as const)('%s: %s', (accept, format) => {
    expect(chooseFormat(accept)).toBe(format)
  })
})
