/** A benchmark: the default export of a `bench/*.bench.ts` module. */
export interface Benchmark {
  /** What `--only` selects it by. */
  readonly name: string
  /** Measures and returns figures in the order they are to be shown. Cleans up after itself. */
  run(context: BenchContext): Promise<readonly Row[]>
}

export interface BenchContext {
  /** How often each figure is to be measured: sides that are compared take turns within a round. */
  readonly rounds: number
  /** One line of progress on stderr. */
  progress(text: string): void
  /** One line under the figures on how they came about and what they do not show. */
  note(text: string): void
  /** Whether `--proxies`, `--loads` or `--features` names it, or is not given. */
  chosen(kind: 'proxies' | 'loads' | 'features', name: string): boolean
}

/** One figure. Make it with `row`, or with `skipped` where the peer it needs is missing. */
export interface Row {
  readonly name: string
  /** The median of the rounds; undefined when it could not be measured: `note` then says why. */
  readonly value: number | undefined
  readonly min?: number
  readonly max?: number
  readonly unit: string
  /** What `value` must not be worse than. Without one the figure is for orientation. */
  readonly goal?: number
  readonly better: 'lower' | 'higher'
  readonly note?: string
  /** Further figures that were read on the way, by what they count. */
  readonly details?: Readonly<Record<string, number>>
}

export interface RowOptions {
  readonly unit: string
  readonly goal?: number
  /** Default `lower`. */
  readonly better?: 'lower' | 'higher'
  readonly note?: string
  readonly details?: Readonly<Record<string, number>>
}

/** A figure from the values of its rounds. */
export function row(name: string, values: readonly number[], options: RowOptions): Row {
  const sorted = [...values].sort((a, b) => a - b)
  return { better: 'lower', ...options, name, value: quantile(sorted, 0.5), min: sorted[0]!, max: sorted.at(-1)! }
}

/** A figure that cannot be measured here. It misses no goal. */
export function skipped(name: string, reason: string, options: RowOptions): Row {
  return { better: 'lower', ...options, name, value: undefined, note: reason }
}

/** The q-quantile of sorted values, interpolated. */
export function quantile(sorted: readonly number[], q: number): number {
  const position = (sorted.length - 1) * q
  const [low, high] = [sorted[Math.floor(position)]!, sorted[Math.ceil(position)]!]
  return low + (high - low) * (position - Math.floor(position))
}

export function missesGoal({ value, goal, better }: Row): boolean {
  if (goal === undefined || value === undefined) return false
  return better === 'lower' ? value > goal : value < goal
}
