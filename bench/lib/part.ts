/** What a part of the benchmarks is: it measures, and it can say in the document what it measured. */

export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface Chart {
  /** File name in docs/benchmarks, without .svg. */
  readonly file: string
  readonly alt: string
  readonly svg: string
}

/** What one part puts into the document. */
export interface Section {
  readonly title: string
  /** The result in one sentence, for the summary at the top of the document. */
  readonly summary?: string
  /** Paragraphs of Markdown before the tables: how it was measured, and what is a ratio within one run. */
  readonly text: readonly string[]
  readonly tables: readonly Table[]
  readonly charts: readonly Chart[]
}

export interface Part<Data> {
  /** Also the name of its file of results. */
  readonly name: string
  measure(): Promise<Data>
  /** Pure: the document can be made anew from kept results. */
  section(data: Data): Section
}

/** Results as kept in docs/benchmarks/NAME.json. */
export interface Kept<Data> {
  readonly machine: Machine
  readonly data: Data
}

/** Where and when a part ran. */
export interface Machine {
  /** ISO 8601, when it ended. */
  readonly at: string
  readonly commit: string
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  readonly kernel: string
  /** One-minute load averages before and after: what else ran. */
  readonly load: readonly [number, number]
  /** What else a reader must know of that run, added by hand; a new run drops it. */
  readonly note?: string
}
