/** What the load program writes, one JSON document a line: all that ended since its report before. */
export interface LoadReport {
  /** How many answers each address gave. */
  readonly answers: readonly (readonly [address: string, count: number])[]
  readonly failed: number
  /** Why the first of the failed failed. */
  readonly error?: string
  /** Milliseconds covered. */
  readonly ms: number
}
