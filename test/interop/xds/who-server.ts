import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js'

const METHOD = '/fairlead.test.Who/Ask'
const asIs = (bytes: Buffer) => bytes
const SERVICE = {
  Ask: {
    path: METHOD,
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
} as const

export interface WhoServer {
  readonly name: string
  readonly address: string
  /** Ends it as a good server does: what has begun is answered. */
  close(): Promise<void>
  /** Breaks off everything at once, as a server that dies. */
  kill(): void
}

/** A gRPC server that answers everything with its name. */
export async function startWhoServer(name: string): Promise<WhoServer> {
  const server = new Server()
  const answer = Buffer.from(name)
  server.addService(SERVICE, {
    Ask: (_call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => callback(null, answer),
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  return {
    name,
    address: `127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    kill: () => server.forceShutdown(),
  }
}
