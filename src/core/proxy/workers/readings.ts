import { groupBy } from '../../model/group-by.js'
import { addLatencies } from '../latency-histogram.js'
import type { EndpointReading, ListenerReading } from '../reading.js'
import { addCounters } from './stats.js'

/**
 * How the listeners of several processes are, as one. Counters add up; of what is no counter the most remarkable
 * counts: what is wrong with an endpoint in any process, and since when. Averages are of the processes that have one.
 */
export function mergeReadings(all: readonly (readonly ListenerReading[])[]): readonly ListenerReading[] {
  const listeners = groupBy(all.flat(), ({ listen, service }) => `${listen} ${service}`)
  return Array.from(listeners.values(), mergeListener)
}

function mergeListener(readings: readonly ListenerReading[]): ListenerReading {
  const [first] = readings as [ListenerReading]
  if (readings.length === 1) return first
  const endpoints = groupBy(
    readings.flatMap((reading) => reading.endpoints),
    ({ address }) => address,
  )
  return {
    ...readings.map(countersOf).reduce(addCounters),
    pids: readings.flatMap(({ pids }) => pids),
    source: first.source,
    configError: first.configError,
    // Workers hear of the registry one after the other: what the last one knows counts.
    registry: readings.map(({ registry }) => registry).reduce((a, b) => (newer(b.revision, a.revision) ? b : a)),
    ejections: sum(readings, 'ejections'),
    departedLatency: addLatencies(readings.map(({ departedLatency }) => departedLatency)),
    endpoints: Array.from(endpoints.values(), mergeEndpoint),
  }
}

function countersOf(reading: ListenerReading) {
  const { listen, service, policy, stale, panic, connections, requests } = reading
  const { retries, connectFailures, bytesSent, bytesReceived } = reading
  return {
    ...{ listen, service, policy, stale, panic, connections, requests },
    ...{ retries, connectFailures, bytesSent, bytesReceived },
  }
}

function mergeEndpoint(readings: readonly EndpointReading[]): EndpointReading {
  const [first] = readings as [EndpointReading]
  if (readings.length === 1) return first
  const worst = readings.find(({ health }) => health !== 'healthy') ?? first
  const shown = readings.filter(({ health }) => health === worst.health)
  return {
    ...first,
    total: sum(readings, 'total'),
    active: sum(readings, 'active'),
    connectFailures: sum(readings, 'connectFailures'),
    bytesSent: sum(readings, 'bytesSent'),
    bytesReceived: sum(readings, 'bytesReceived'),
    requests: sum(readings, 'requests'),
    requestsActive: sum(readings, 'requestsActive'),
    requestsFailed: sum(readings, 'requestsFailed'),
    health: worst.health,
    healthReason: worst.healthReason,
    healthSince: Math.min(...shown.map(({ healthSince }) => healthSince)),
    verdict: worst.verdict,
    faultyWorkers: sum(readings, 'faultyWorkers'),
    stateSince: Math.min(...readings.map(({ stateSince }) => stateSince)),
    effectiveWeight: mean(readings.map(({ effectiveWeight }) => effectiveWeight))!,
    slowStart: readings.some(({ slowStart }) => slowStart !== undefined)
      ? mean(readings.map(({ slowStart }) => slowStart ?? 1))
      : undefined,
    expectedShare: mean(readings.map(({ expectedShare }) => expectedShare))!,
    ewmaMs: mean(readings.flatMap(({ ewmaMs }) => ewmaMs ?? [])),
    picks: sum(readings, 'picks'),
    inFlight: sum(readings, 'inFlight'),
    succeeded: sum(readings, 'succeeded'),
    failed: sum(readings, 'failed'),
    ejections: sum(readings, 'ejections'),
    latency: addLatencies(readings.map(({ latency }) => latency)),
  }
}

function newer(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && (b === undefined || BigInt(a) > BigInt(b))
}

function sum<Key extends string>(readings: readonly Readonly<Record<Key, number>>[], key: Key): number {
  return readings.reduce((total, reading) => total + reading[key], 0)
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((total, value) => total + value, 0) / values.length
}
