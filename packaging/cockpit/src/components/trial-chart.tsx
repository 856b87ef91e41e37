import { useId } from 'react'
import type { Answer } from '../answers/answer'

type Trial = Answer<'trial'>

const WIDTH = 640
const LEFT = 110
const RIGHT = 20
const ROW = 34
const TOP = 30

/** What was moved with each count, relative to the present one: the estimate as a dot in its interval. The table says it, too. */
export function TrialChart({ trial }: { readonly trial: Trial }) {
  const id = useId()
  const { comparisons, present } = trial
  if (comparisons.length === 0) return null
  const ends = comparisons.flatMap(({ rate: { low, estimate, high } }) => [low, estimate, high ?? estimate])
  const from = Math.min(0.9, ...ends)
  const to = Math.max(1.1, ...ends)
  const x = (ratio: number): number => LEFT + ((ratio - from) / (to - from)) * (WIDTH - LEFT - RIGHT)
  const height = TOP + comparisons.length * ROW + 10
  return (
    <svg className="vq-chart" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-labelledby={id}>
      <title id={id}>
        {`What was moved with each count of channels, compared with ${present} channels: ${comparisons
          .map(({ channels, rate }) => `${channels}: ${Math.round(rate.estimate * 100)} %`)
          .join(', ')}`}
      </title>
      <line x1={x(1)} x2={x(1)} y1={TOP - 8} y2={height - 8} strokeDasharray="3 3" />
      <text x={x(1)} y={TOP - 14} textAnchor="middle">
        {`${present} now`}
      </text>
      {comparisons.map(({ channels, rate }, row) => {
        const y = TOP + row * ROW + ROW / 2
        return (
          <g key={channels}>
            <text x={0} y={y + 4}>
              {`${channels} channel${channels === 1 ? '' : 's'}`}
            </text>
            <line
              className="vq-mark"
              x1={x(rate.low)}
              x2={x(rate.high ?? to)}
              y1={y}
              y2={y}
              strokeWidth={3}
            />
            <circle className="vq-mark" cx={x(rate.estimate)} cy={y} r={6} />
          </g>
        )
      })}
    </svg>
  )
}
