/** What a tunable is: pure planning, and one way to write. index.ts is the ordered registry. */
import type { DesiredNic, NicSettings, ObservedNic, RegressionHold, Skip, Step, TunableName } from '../model'

export interface NicContext {
  readonly nic: ObservedNic
  readonly desired: DesiredNic
  readonly settings: NicSettings
  /** Of the guard, when it holds now. */
  readonly regressionHold: RegressionHold | undefined
}

export interface TunablePlan<S extends Step = Step> {
  readonly steps: readonly S[]
  readonly skips: readonly Skip[]
}

export interface Tunable<S extends Step> {
  readonly name: TunableName
  /** What has to be written so that the NIC is as desired; nothing when it is. Pure. */
  plan(context: NicContext): TunablePlan<S>
}
