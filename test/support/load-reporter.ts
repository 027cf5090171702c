import {
  Server,
  ServerCredentials,
  ServerMetricRecorder,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceDefinition,
} from '@grpc/grpc-js'

export interface LoadReporter {
  readonly address: string
  readonly port: number
  /** Calls of `/test.Peer/Unary` since this was last set to 0. */
  calls: number
  /** Ends it at once. */
  close(): void
}

const bytes = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same }
const SERVICE: ServiceDefinition = {
  Unary: { path: '/test.Peer/Unary', requestStream: false, responseStream: false, ...bytes },
}

function same(message: Buffer): Buffer {
  return message
}

/** A gRPC server that says out of band, and only there, that it serves so many requests a second at half its strength. */
export async function startLoadReporter(
  rps: number,
  credentials = ServerCredentials.createInsecure(),
  wanted = 0,
): Promise<LoadReporter> {
  const recorder = new ServerMetricRecorder()
  recorder.setQpsMetric(rps)
  recorder.setApplicationUtilizationMetric(0.5)
  const server = new Server()
  recorder.addToServer(server)
  server.addService(SERVICE, {
    Unary: (_: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
      reporter.calls++
      answer(null, Buffer.from('done'))
    },
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${wanted}`, credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  const reporter = { address: `127.0.0.1:${port}`, port, calls: 0, close: () => server.forceShutdown() }
  return reporter
}
