import { setTimeout } from 'node:timers/promises'
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
  /** Breaks off everything, as a server that dies, but no answer that has begun: such a call is not tried again (gRFC A6). */
  kill(): Promise<void>
}

/** A gRPC server that answers everything with its name. */
export async function startWhoServer(name: string): Promise<WhoServer> {
  const server = new Server()
  const answer = Buffer.from(name)
  let isDying = false
  server.addService(SERVICE, {
    Ask: (_call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      if (!isDying) callback(null, answer)
    },
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
    async kill() {
      isDying = true
      await setTimeout(50)
      server.forceShutdown()
    },
  }
}
