import { useId } from 'react'
import type { Answer } from '../answers/answer'
import { combination } from '../text'

type Trial = Answer<'trial'>

const WIDTH = 640
const LEFT = 20
const RIGHT = 20
/** A line for the name, one for the interval. */
const ROW = 46
const TOP = 30

/** What was moved with each combination, relative to the present one: the estimate as a dot in its interval. The table says it, too. */
export function TrialChart({ trial }: { readonly trial: Trial }) {
  const id = useId()
  const { comparisons } = trial
  const present = combination({ channels: trial.present, settings: trial.presentSettings })
  if (comparisons.length === 0) return null
  const ends = comparisons.flatMap(({ rate: { low, estimate, high } }) => [low, estimate, high ?? estimate])
  const from = Math.min(0.9, ...ends)
  const to = Math.max(1.1, ...ends)
  const x = (ratio: number): number => LEFT + ((ratio - from) / (to - from)) * (WIDTH - LEFT - RIGHT)
  const height = TOP + comparisons.length * ROW + 10
  return (
    <svg className="vq-chart" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-labelledby={id}>
      <title id={id}>
        {`What was moved with each combination, compared with ${present}: ${comparisons
          .map((one) => `${combination(one)}: ${Math.round(one.rate.estimate * 100)} %`)
          .join('; ')}`}
      </title>
      <text x={0} y={TOP - 14}>
        {`Dashed: ${present}, as now`}
      </text>
      {comparisons.map((one, row) => {
        const { rate } = one
        const y = TOP + row * ROW + 30
        return (
          <g key={combination(one)}>
            <text x={0} y={y - 16}>
              {combination(one)}
            </text>
            {/* Not across the names. */}
            <line x1={x(1)} x2={x(1)} y1={y - 12} y2={y + 12} strokeDasharray="3 3" />
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
