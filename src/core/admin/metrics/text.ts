import { type Metric, Registry } from 'prom-client'
import type { Series } from './family.js'

/** Items whose lines are made at a time. */
const AT_A_TIME = 250

export const contentType: string = Registry.PROMETHEUS_CONTENT_TYPE

/**
 * Metrics in Prometheus' text format, in pieces that each take little time to make. Values are read here and now: nothing
 * is counted for them besides.
 */
export async function* metricPieces(all: readonly Series[]): AsyncGenerator<string, void, undefined> {
  for (const series of all) {
    for (let i = 0; i < series.length; i += AT_A_TIME) {
      const text = await format(series, i, i + AT_A_TIME)
      yield i === 0 ? text : withoutHead(text)
    }
  }
}

/** The lines of some items of a family. */
async function format({ head: { name, type, help }, values }: Series, from: number, to: number): Promise<string> {
  const registry = new Registry()
  // All that a registry asks of a metric: its name, and what it has when it is scraped.
  const metric = { name, get: () => Promise.resolve({ name, type, help, values: values(from, to), aggregator: 'sum' }) }
  registry.registerMetric(metric as unknown as Metric)
  return `${await registry.getSingleMetricAsString(name)}\n`
}

/** Without the lines `# HELP` and `# TYPE`, which a family has once. */
function withoutHead(text: string): string {
  return text.slice(text.indexOf('\n', text.indexOf('\n') + 1) + 1)
}
