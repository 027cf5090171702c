import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js'

/** A client's stream to a control plane, which asks for one service. */
export interface BenchStream {
  /** How often it was told the service's endpoints. */
  readonly updates: number
  close(): void
}

/** Opens a stream on a connection of its own. `told` is called after every update. */
export type OpenStream = (address: string, service: string, told: () => void) => BenchStream

/** How a client of one protocol asks and answers. It looks at no more of a response than it must, so that the figures are the server's. */
export interface Dialogue<Request> {
  readonly path: string
  serialize(request: Request): Buffer
  /** What it begins with. */
  ask(service: string): readonly Request[]
  /** What it answers a response with, if it does, and whether that was the service's endpoints. */
  hear(response: Buffer, service: string): { readonly answer?: Request; readonly isUpdate: boolean }
}

export function opener<Request>({ path, serialize, ask, hear }: Dialogue<Request>): OpenStream {
  return (address, service, told) => {
    const client = new Client(address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': -1,
    })
    const stream: ClientDuplexStream<Request, Buffer> = client.makeBidiStreamRequest(path, serialize, (bytes) => bytes)
    let updates = 0
    stream.on('error', () => undefined)
    stream.on('data', (response: Buffer) => {
      const { answer, isUpdate } = hear(response, service)
      if (answer !== undefined) stream.write(answer)
      if (!isUpdate) return
      updates++
      told()
    })
    for (const request of ask(service)) stream.write(request)
    return {
      get updates() {
        return updates
      },
      close() {
        stream.cancel()
        client.close()
      },
    }
  }
}
