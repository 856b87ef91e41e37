/** A NIC's load with what follows from it: what each way of showing the report is given. */
import type { NicLoad } from './compare'
import type { Conclusion } from './conclusions'
import type { Condition } from './conditions'

export interface JudgedNic extends NicLoad {
  readonly conditions: readonly Condition[]
  /** The most telling first. */
  readonly conclusions: readonly Conclusion[]
}
