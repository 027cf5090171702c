import type { ListenerReading } from '../../proxy/reading.js'
import type { ProcessState } from '../state.js'

/** What a scrape sees. */
export interface Scrape {
  readonly process: ProcessState
  readonly listeners: readonly ListenerReading[]
  /** Endpoints that are left out, for there are too many. */
  readonly omitted: number
}

export type Labels = Readonly<Record<string, string>>

/** One line of a family, besides the labels that all of an item have. */
export interface Value {
  readonly value: number
  readonly labels?: Labels
  /** Where it is not the family's own: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string
}

/** Metrics of one name: what it is, and its values for one item (the process, a listener, an endpoint). */
export interface Family<Item> {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary'
  readonly help: string
  values(item: Item): readonly Value[]
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
