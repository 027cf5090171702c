export type Labels = Readonly<Record<string, string>>

/** One line of a family, besides the labels that all of an item have. */
export interface Value {
  readonly value: number
  readonly labels?: Labels
  /** Where it is not the family's own: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string
}

/** What Prometheus is told of all lines of one name. */
export interface FamilyHead {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary'
  readonly help: string
}

/** Metrics of one name: what it is, and its values for one item (the process, a listener, an endpoint). */
export interface Family<Item> extends FamilyHead {
  values(item: Item): readonly Value[]
}

/** What families have values for: one thing and the labels that say which. */
export interface Labelled<Item> {
  readonly item: Item
  readonly labels: Labels
}

/** A family together with all items that it has values for. */
export interface Series {
  readonly head: FamilyHead
  /** How many items there are. */
  readonly length: number
  /** The values of some of them, read here and now, each with all of its labels. */
  values(from: number, to: number): readonly SeriesValue[]
}

export type SeriesValue = Value & { readonly labels: Labels; readonly sharedLabels: Labels }

/** Each of `families` for all of `items`. */
export function seriesOf<Item>(families: readonly Family<Item>[], items: readonly Labelled<Item>[]): Series[] {
  return families.map((family) => ({
    head: family,
    length: items.length,
    values: (from, to) =>
      items
        .slice(from, to)
        .flatMap(({ item, labels }) =>
          family.values(item).map((value) => ({ labels: {}, ...value, sharedLabels: labels })),
        ),
  }))
}

export function counter<Item>(name: string, help: string, read: (item: Item) => number): Family<Item> {
  return { name, type: 'counter', help, values: (item) => [{ value: read(item) }] }
}

export function gauge<Item>(name: string, help: string, read: (item: Item) => number | boolean): Family<Item> {
  return { name, type: 'gauge', help, values: (item) => [{ value: Number(read(item)) }] }
}

/** Several values, told apart by a label with a fixed set of values. */
export function split<Item>(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  label: string,
  read: (item: Item) => Readonly<Record<string, number>>,
): Family<Item> {
  const values = (item: Item) => Object.entries(read(item)).map(([key, value]) => ({ value, labels: { [label]: key } }))
  return { name, type, help, values }
}

/** What a histogram holds of one item. */
export interface HistogramValue {
  /** How many were recorded up to each of the bounds. */
  readonly below: readonly number[]
  readonly count: number
  readonly sumMs: number
}

/** How long something took, in seconds. @param boundsMs upper bounds of the buckets, milliseconds, growing */
export function histogram<Item>(
  name: string,
  help: string,
  boundsMs: readonly number[],
  read: (item: Item) => HistogramValue,
): Family<Item> {
  const bucket = (le: string, value: number) => ({ value, labels: { le }, metricName: `${name}_bucket` })
  const values = (item: Item): Value[] => {
    const { below, count, sumMs } = read(item)
    return [
      ...below.map((value, i) => bucket(String(boundsMs[i]! / 1000), value)),
      bucket('+Inf', count),
      { value: sumMs / 1000, metricName: `${name}_sum` },
      { value: count, metricName: `${name}_count` },
    ]
  }
  return { name, type: 'histogram', help, values }
}
