/**
 * The state of each NIC as a set: the present one is 1, the others are 0. Only those that the NIC has had since the daemon
 * started, as most never have but one: all of them would be a tenth more series of a fleet.
 */
import type { NicState } from '../planner/describe'
import type { Family, Sample } from './prometheus'

export class SeenStates {
  private seen = new Map<string, ReadonlySet<NicState>>()

  /** @param states by NIC name; NICs that are not among them are forgotten, so that they cannot pile up */
  family(states: ReadonlyMap<string, NicState>): Family {
    this.seen = new Map(
      [...states].map(([nic, state]) => [nic, new Set([...(this.seen.get(nic) ?? []), state])]),
    )
    return {
      name: 'nic_state',
      // Not a stateset: OpenMetrics wants the label to be named as the metric, and the textfile collector knows no such type.
      type: 'gauge',
      help: 'Whether this is the state of the NIC; of the states that it has had since the daemon started',
      samples: [...this.seen].flatMap(([nic, had]) =>
        [...had].map(
          (state): Sample => ({ labels: { nic, state }, value: state === states.get(nic) ? 1 : 0 }),
        ),
      ),
    }
  }
}
