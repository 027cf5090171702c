import {
  type ChannelCredentials,
  Client,
  credentials,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { onTestFinished } from 'vitest'
import {
  type ControlPlane,
  type ControlPlaneOptions,
  type ProtocolListener,
  startControlPlane,
} from '../../../src/core/control-plane/control-plane.js'
import type { ControlPlaneEvent, Protocol } from '../../../src/core/control-plane/events.js'
import type { ControlPlaneService } from '../../../src/core/control-plane/service.js'
import { createDataPlaneResolver } from '../../../src/core/discovery/data-plane-resolver.js'
import { createResolver } from '../../../src/core/discovery/resolver.js'
import type { FairleadError } from '../../../src/core/errors.js'
import { parseListen } from '../../../src/core/net/listen-address.js'
import { loadProto } from '../../../src/core/protos/load.js'
import { silentLogger } from '../../../src/core/runtime.js'
import { FakeStore } from '../../support/fake-store.js'
import { ManualClock } from '../../support/manual-clock.js'
import { freePort } from '../../support/real-etcd.js'
import { seededRandom } from '../../support/seeded-random.js'

type Call = ServerDuplexStream<object, object>

/** A protocol whose streams answer every message with an empty one and stay open until their service closes, or for good. */
export function echoService(protocol: Protocol, { isStubborn = false } = {}): ControlPlaneService {
  const calls = new Set<Call>()
  const [name, method] =
    protocol === 'grpclb'
      ? ['grpc.lb.v1.LoadBalancer', 'BalanceLoad']
      : ['envoy.service.discovery.v3.AggregatedDiscoveryService', 'StreamAggregatedResources']
  const answer = (call: Call) => {
    calls.add(call)
    call.on('data', () => call.write({}))
    call.on('cancelled', () => calls.delete(call))
  }
  return {
    protocol,
    handlers: [{ definition: loadProto(protocol)[name] as ServiceDefinition, implementation: { [method]: answer } }],
    meters: [],
    followers: () => 0,
    close() {
      if (isStubborn) return
      for (const call of calls) call.emit('error', { code: status.UNAVAILABLE, details: 'over' })
      calls.clear()
    },
  }
}

export function listener(protocol: Protocol, listen: string, options?: { isStubborn?: boolean }): ProtocolListener {
  return { protocol, listen: parseListen(listen), create: () => echoService(protocol, options) }
}

export interface Started {
  readonly controlPlane: ControlPlane
  readonly clock: ManualClock
  readonly store: FakeStore
  readonly events: ControlPlaneEvent[]
  /** Where the first listener listens. */
  readonly address: string
}

/** A control plane on a registry in memory, in a time that stands still, with real sockets. Closed when the test ends. */
export async function start(options: ControlPlaneOptions, store = new FakeStore()): Promise<Started> {
  const clock = new ManualClock()
  // Certificates go by the calendar.
  clock.wall = () => Date.now()
  const runtime = { clock, random: seededRandom(1), log: silentLogger }
  const registry = createResolver(store, { reconcileIntervalMs: 1e9 }, runtime)
  const events: ControlPlaneEvent[] = []
  const controlPlane = await startControlPlane(
    { onEvent: (event) => events.push(event), ...options },
    {
      resolver: createDataPlaneResolver(registry, {}, runtime),
      events: (signal) => registry.events(undefined, signal),
    },
    runtime,
  )
  onTestFinished(() => controlPlane.close())
  return { controlPlane, clock, store, events, address: controlPlane.listening[0]!.replace(/^.*:\/\//, '') }
}

/** A control plane that speaks both protocols on one port, written in two ways. */
export async function startOnOnePort(): Promise<Started> {
  for (let tries = 1; ; tries++) {
    const port = await freePort()
    const listeners = [listener('xds', `${port}`), listener('grpclb', `127.0.0.1:${port}`)]
    try {
      return await start({ listeners })
    } catch (error) {
      // Somebody else took it meanwhile.
      if ((error as FairleadError).code !== 'ADDRESS_IN_USE' || tries === 5) throw error
    }
  }
}

/** A client with a connection of its own, closed when the test ends. */
export function client(address: string, secrets: ChannelCredentials = credentials.createInsecure()): Client {
  const made = new Client(address, secrets, { 'grpc.use_local_subchannel_pool': 1 })
  onTestFinished(() => made.close())
  return made
}

const DEADLINE_MS = 10_000

/** Calls a unary method. */
export function call<Response>(
  from: Client,
  { path, requestSerialize, responseDeserialize }: MethodDefinition<object, object>,
  request: object,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const deadline = { deadline: Date.now() + DEADLINE_MS }
    from.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, deadline, (error, response) => {
      if (error) reject(error)
      else resolve(response as Response)
    })
  })
}

export interface Stream<Response> {
  readonly messages: Response[]
  /** The status that it ended with. */
  readonly ended: Promise<Pick<ServiceError, 'code' | 'details'>>
  write(message: object): void
  end(): void
}

/** Opens a stream in both directions; of a method that takes one message, that is sent. */
export function stream<Response>(
  from: Client,
  { path, requestStream, requestSerialize, responseDeserialize }: MethodDefinition<object, object>,
  request: object,
): Stream<Response> {
  const both = requestStream && from.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
  const opened = both || from.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request)
  if (both) both.write(request)
  const messages: Response[] = []
  opened.on('data', (message: Response) => messages.push(message))
  opened.on('error', () => undefined)
  return {
    messages,
    ended: new Promise((resolve) => opened.on('status', resolve)),
    write: (message) => both && both.write(message),
    end: () => both && both.end(),
  }
}
