import {
  type ChannelOptions,
  Client,
  credentials,
  Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceError,
} from '@grpc/grpc-js'
import { registerGrpclb } from '../../../src/core/grpc/grpclb/register.js'
import { systemRuntime } from '../../../src/core/runtime.js'

registerGrpclb(systemRuntime)

/** A server that answers with its address and remembers what tokens it was called with. */
export interface TokenServer {
  readonly address: string
  /** Of each call, in order; empty where it had none. */
  readonly tokens: string[]
  /** The connections that calls came on. */
  readonly peers: Set<string>
  close(): void
}

const METHOD = '/test.Tokens/Call'
const asIs = (bytes: Buffer) => bytes

export async function startTokenServer(secured = ServerCredentials.createInsecure()): Promise<TokenServer> {
  const server = new Server()
  const tokens: string[] = []
  const peers = new Set<string>()
  let address = ''
  server.addService(
    {
      Call: {
        ...{ path: METHOD, requestStream: false, responseStream: false },
        ...{ requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs },
      },
    },
    {
      Call: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
        tokens.push(call.metadata.get('lb-token').join(','))
        peers.add(call.getPeer())
        done(null, Buffer.from(address))
      },
    },
  )
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', secured, (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  address = `127.0.0.1:${port}`
  return { address, tokens, peers, close: () => server.forceShutdown() }
}

/** A channel that asks lookaside balancers, and what it is called with. */
export class TestChannel {
  readonly #client: Client

  /** @param target the channel's own addresses: `ipv4:…` */
  constructor(target: string, options: ChannelOptions, secured = credentials.createInsecure()) {
    this.#client = new Client(target, secured, options)
  }

  /** The address of the server that answered. Rejects with the call's status. */
  call(deadlineMs = 10_000, method = METHOD): Promise<string> {
    return new Promise((resolve, reject) =>
      this.#client.makeUnaryRequest(
        method,
        asIs,
        asIs,
        Buffer.alloc(1),
        new Metadata(),
        { deadline: Date.now() + deadlineMs },
        (error: ServiceError | null, answer?: Buffer) => (error ? reject(error) : resolve(answer!.toString())),
      ),
    )
  }

  /** How often each server answers to so many calls, one after another. */
  async spread(calls: number): Promise<Map<string, number>> {
    const counts = new Map<string, number>()
    for (let i = 0; i < calls; i++) {
      const address = await this.call()
      counts.set(address, (counts.get(address) ?? 0) + 1)
    }
    return counts
  }

  close(): void {
    this.#client.close()
  }
}

/** Options of a channel that asks these balancers for a service. */
export function lookaside(
  balancers: readonly string[],
  service: string,
  rest: ChannelOptions = {},
  config = {},
): ChannelOptions {
  return {
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ grpclb: { serviceName: service, ...config } }] }),
    'fairlead.grpclb_balancers': balancers.join(','),
    'grpc.use_local_subchannel_pool': 1,
    ...rest,
  }
}
