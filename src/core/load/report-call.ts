import {
  type Client,
  type ClientReadableStream,
  type ServiceDefinition,
  status,
  type StatusObject,
} from '@grpc/grpc-js'
import { readLoadReport } from '../balancer/orca/decode.js'
import { durationOf } from '../protos/duration.js'
import { loadProto } from '../protos/load.js'
import type { LoadStreamObserver } from './load-stream.js'

type Method = ServiceDefinition[string]

let method: Method | undefined

function streamCoreMetrics(): Method {
  method ??= (loadProto('orca')['xds.service.orca.v3.OpenRcaService'] as ServiceDefinition).StreamCoreMetrics!
  return method
}

/**
 * Calls `OpenRcaService/StreamCoreMetrics` (gRFC A51): reports come as often as is asked for, or as seldom as the endpoint has it. Returns
 * what cancels the call; the observer hears nothing any more then.
 */
export function callForReports(client: Client, periodMs: number, observer: LoadStreamObserver): () => void {
  const { path, requestSerialize } = streamCoreMetrics()
  const asTheyAre = (bytes: Buffer) => bytes
  const request = { report_interval: durationOf(periodMs) }
  let isOver = false
  const call: ClientReadableStream<Buffer> = client.makeServerStreamRequest(path, requestSerialize, asTheyAre, request)
  const cancel = () => {
    isOver = true
    call.cancel()
  }
  call.on('data', (bytes: Buffer) => {
    if (isOver) return
    const load = readLoadReport(bytes)
    if (load) return observer.report(load)
    cancel()
    observer.ended('a report that cannot be read')
  })
  // The status tells of it.
  call.on('error', () => undefined)
  call.on('status', ({ code, details }: StatusObject) => {
    if (isOver) return
    isOver = true
    if (code === status.UNIMPLEMENTED) observer.unsupported()
    else observer.ended(details || status[code]!)
  })
  return cancel
}
