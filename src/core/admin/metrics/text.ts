import { type Metric, Registry } from 'prom-client'
import type { EndpointReading, ListenerReading } from '../../proxy/reading.js'
import { ENDPOINT_FAMILIES } from './endpoint-families.js'
import type { Family, Labels, Scrape } from './family.js'
import { LISTENER_FAMILIES } from './listener-families.js'
import { PROCESS_FAMILIES } from './process-families.js'

/**
 * Endpoints with metrics of their own, of all listeners together. Who writes to the registry must not fill Prometheus'
 * memory.
 */
export const MOST_ENDPOINTS = 5000
/** Items whose lines are made at a time. */
const AT_A_TIME = 250

export const contentType: string = Registry.PROMETHEUS_CONTENT_TYPE

/** What families have values for: one thing and the labels that say which. */
interface Labelled<Item> {
  readonly item: Item
  readonly labels: Labels
}

/**
 * All metrics in Prometheus' text format, in pieces that each take little time to make. Values are read here and now:
 * nothing is counted for them besides.
 */
export async function* metricPieces(scrape: Omit<Scrape, 'omitted'>): AsyncGenerator<string, void, undefined> {
  const listeners = scrape.listeners.map((item) => ({ item, labels: labelsOf(item) }))
  const all = listeners.flatMap(({ item, labels }) => endpointsOf(item, labels))
  const endpoints = all.slice(0, MOST_ENDPOINTS)
  yield* pieces(PROCESS_FAMILIES, [{ item: { ...scrape, omitted: all.length - endpoints.length }, labels: {} }])
  yield* pieces(LISTENER_FAMILIES, listeners)
  yield* pieces(ENDPOINT_FAMILIES, endpoints)
}

async function* pieces<Item>(
  families: readonly Family<Item>[],
  items: readonly Labelled<Item>[],
): AsyncGenerator<string, void, undefined> {
  for (const family of families) {
    for (let i = 0; i < items.length; i += AT_A_TIME) {
      const text = await format(family, items.slice(i, i + AT_A_TIME))
      yield i === 0 ? text : withoutHead(text)
    }
  }
}

/** The lines of some items of a family. */
async function format<Item>(family: Family<Item>, items: readonly Labelled<Item>[]): Promise<string> {
  const { name, type, help } = family
  const values = items.flatMap(({ item, labels }) =>
    family.values(item).map((value) => ({ labels: {}, ...value, sharedLabels: labels })),
  )
  const registry = new Registry()
  // All that a registry asks of a metric: its name, and what it has when it is scraped.
  const metric = { name, get: () => Promise.resolve({ name, type, help, values, aggregator: 'sum' }) }
  registry.registerMetric(metric as unknown as Metric)
  return `${await registry.getSingleMetricAsString(name)}\n`
}

/** Without the lines `# HELP` and `# TYPE`, which a family has once. */
function withoutHead(text: string): string {
  return text.slice(text.indexOf('\n', text.indexOf('\n') + 1) + 1)
}

/** A fixed list of addresses names no service, and can be of any length. */
function labelsOf({ listen, service, source }: ListenerReading): Labels {
  return { listener: listen, service: source === 'registry' ? service : 'static' }
}

function endpointsOf({ endpoints }: ListenerReading, labels: Labels): Labelled<EndpointReading>[] {
  const servers = endpoints.filter(({ role }) => role === 'server')
  return servers.map((item) => ({ item, labels: { ...labels, endpoint: item.address } }))
}
