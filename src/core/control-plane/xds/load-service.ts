import { type ServerDuplexStream, status } from '@grpc/grpc-js'
import { isServiceName } from '../../model/service.js'
import { durationOf } from '../../protos/duration.js'
import type { ControlPlaneContext, ServiceHandlers } from '../service.js'
import type { Meter } from '../meter.js'
import { clientName, type Node } from './client.js'
import { type ClusterStats, sumOf } from './load-stats.js'
import { LoadRecord } from './load-record.js'
import { serviceDefinition } from './messages.js'
import type { OpenCalls } from './open-calls.js'

const SERVICE = 'envoy.service.load_stats.v3.LoadReportingService'

interface LoadStatsRequest {
  readonly node: Node | null
  readonly cluster_stats: readonly ClusterStats[]
}

/** More clusters in one report than anybody has: the rest is not looked at. */
const MAX_CLUSTERS = 10_000

/** The load reporting service: asks every client for everything, and passes on what comes. */
export function loadHandlers(
  context: ControlPlaneContext,
  calls: OpenCalls,
  meter: Meter,
  intervalMs: number,
): ServiceHandlers {
  return {
    definition: serviceDefinition(SERVICE),
    implementation: {
      StreamLoadStats(call: ServerDuplexStream<LoadStatsRequest, object>) {
        const record = new LoadRecord(call.getPeer(), context.runtime.clock)
        let isKnown = false
        if (!calls.add(call, () => meter.ended(record))) return
        meter.began(record)
        call.on('data', ({ node, cluster_stats }: LoadStatsRequest) => {
          if (!isKnown) {
            isKnown = true
            record.client = clientName(call.getPeer(), node)
            // Clients of grpc-js report nothing where clusters are named one by one. Who gets no answer does not report.
            if (intervalMs > 0) call.write({ send_all_clusters: true, load_reporting_interval: durationOf(intervalMs) })
          }
          if (cluster_stats.length > MAX_CLUSTERS) {
            return calls.end(call, status.RESOURCE_EXHAUSTED, `more than ${MAX_CLUSTERS} clusters in one report`)
          }
          if (intervalMs === 0) return
          if (cluster_stats.length > 0) meter.reported()
          for (const stats of cluster_stats) report(context, record, stats, intervalMs)
        })
      },
    },
  }
}

function report(
  { directory, onEvent }: ControlPlaneContext,
  record: LoadRecord,
  stats: ClusterStats,
  intervalMs: number,
) {
  const service = stats.cluster_service_name || stats.cluster_name
  if (!isServiceName(service)) return
  const sum = sumOf(stats, intervalMs / 1000)
  const { requests, failed, dropped, seconds } = sum
  if (requests + failed + dropped === 0) return
  directory.countLoad(service, sum)
  record.add(service, sum)
  const { client } = record
  onEvent({ event: 'load', protocol: 'xds', client, service, requests, failed, dropped, seconds })
}
