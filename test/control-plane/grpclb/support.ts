import {
  Client,
  type ClientDuplexStream,
  credentials,
  Server,
  ServerCredentials,
  type StatusObject,
} from '@grpc/grpc-js'
import type { ControlPlaneEvent } from '../../../src/core/control-plane/events.js'
import type { BalanceLoadCall } from '../../../src/core/control-plane/grpclb/client-stream.js'
import { createGrpclbService } from '../../../src/core/control-plane/grpclb/service.js'
import { SERVER_OPTIONS } from '../../../src/core/control-plane/serving/server-options.js'
import type { ControlPlaneService, ProtocolOptions } from '../../../src/core/control-plane/service.js'
import {
  type ClientStats,
  grpclbProto,
  type LoadBalanceRequest,
  type LoadBalanceResponse,
} from '../../../src/core/protos/grpclb.js'
import { type Runtime, systemRuntime } from '../../../src/core/runtime.js'
import { FakeDirectory } from '../support/fake-directory.js'

/** A balancer on a real port, over a directory of its own. */
export interface TestBalancer {
  readonly address: string
  readonly port: number
  readonly directory: FakeDirectory
  readonly service: ControlPlaneService
  readonly events: ControlPlaneEvent[]
  /** What all clients have reported, counted up. */
  readonly reported: Readonly<Reported>
  /** Ends streams and the server, at once. Idempotent. */
  close(): void
}

export interface Reported {
  started: number
  finished: number
  failedToSend: number
  knownReceived: number
  dropped: number
}

export interface TestBalancerOptions extends ProtocolOptions {
  readonly zone?: string
  readonly runtime?: Runtime
  /** Port to listen on; 0 for any. */
  readonly port?: number
  readonly directory?: FakeDirectory
}

export async function startBalancer(options: TestBalancerOptions = {}): Promise<TestBalancer> {
  const { zone, runtime = systemRuntime, directory = new FakeDirectory() } = options
  const events: ControlPlaneEvent[] = []
  const service = createGrpclbService(
    { directory, runtime, zone, onEvent: (event) => void events.push(event) },
    options,
  )
  const reported: Reported = { started: 0, finished: 0, failedToSend: 0, knownReceived: 0, dropped: 0 }
  const server = new Server(SERVER_OPTIONS)
  for (const { definition, implementation } of service.handlers) {
    const begin = implementation.BalanceLoad as (call: BalanceLoadCall) => void
    server.addService(definition, {
      BalanceLoad(call: BalanceLoadCall) {
        call.on('data', ({ client_stats: stats }: LoadBalanceRequest) => stats && add(reported, stats))
        begin(call)
      },
    })
  }
  const port = await new Promise<number>((resolve, reject) => {
    const insecure = ServerCredentials.createInsecure()
    server.bindAsync(`127.0.0.1:${options.port ?? 0}`, insecure, (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  const close = () => {
    service.close()
    server.forceShutdown()
  }
  return { address: `127.0.0.1:${port}`, port, directory, service, events, reported, close }
}

function add(sum: Reported, stats: ClientStats): void {
  sum.started += Number(stats.num_calls_started)
  sum.finished += Number(stats.num_calls_finished)
  sum.failedToSend += Number(stats.num_calls_finished_with_client_failed_to_send)
  sum.knownReceived += Number(stats.num_calls_finished_known_received)
  for (const { num_calls } of stats.calls_finished_with_drop) sum.dropped += Number(num_calls)
}

/** A client that speaks the protocol by hand. */
export class RawClient {
  readonly responses: LoadBalanceResponse[] = []
  status: StatusObject | undefined
  readonly stream: ClientDuplexStream<LoadBalanceRequest, LoadBalanceResponse>
  readonly #client: Client

  constructor(address: string) {
    const { request, response } = grpclbProto()
    this.#client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
    this.stream = this.#client.makeBidiStreamRequest(
      '/grpc.lb.v1.LoadBalancer/BalanceLoad',
      (message: LoadBalanceRequest) => request.serialize(message),
      (bytes) => response.deserialize(bytes),
    )
    this.stream.on('data', (message: LoadBalanceResponse) => this.responses.push(message))
    this.stream.on('status', (status: StatusObject) => (this.status = status))
    this.stream.on('error', () => undefined)
  }

  ask(name: string): this {
    this.stream.write({ initial_request: { name } })
    return this
  }

  report(stats: Partial<ClientStats>): void {
    this.stream.write({ client_stats: { ...NOTHING, ...stats } })
  }

  /** The last byte of each address, `-` for a drop, of every list received. */
  get lists(): string[] {
    return this.responses.flatMap(({ server_list: list }) =>
      list ? [list.servers.map(({ drop, ip_address: ip }) => (drop ? '-' : ip!.at(-1))).join(' ')] : [],
    )
  }

  close(): void {
    this.stream.cancel()
    this.#client.close()
  }
}

const NOTHING: ClientStats = {
  num_calls_started: 0,
  num_calls_finished: 0,
  num_calls_finished_with_client_failed_to_send: 0,
  num_calls_finished_known_received: 0,
  calls_finished_with_drop: [],
}
