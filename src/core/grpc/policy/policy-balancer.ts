import { hostname } from 'node:os'
import {
  type ChannelOptions,
  connectivityState,
  experimental,
  Metadata,
  status,
  type StatusObject,
} from '@grpc/grpc-js'
import { createBalancer } from '../../balancer/balancer.js'
import type { Balancer } from '../../balancer/contract.js'
import type { Verdict } from '../../balancer/eligibility.js'
import type { PickFirstConfig } from '../../balancer/policies/pick-first.js'
import type { PolicyChoice } from '../../balancer/service-config.js'
import type { Upstream } from '../../balancer/upstream.js'
import { openLoadStreamOn } from '../../load/oob.js'
import { type LoadSubscription, type OpenLoadStream, subscribeLoad } from '../../load/subscription.js'
import type { Snapshot } from '../../model/snapshot.js'
import type { Runtime } from '../../runtime.js'
import { type Resolved, resolvedOf } from '../attribute.js'
import { CallPicker, type KeyOf } from './call-picker.js'
import { ConnectionToFirst } from './connection-to-first.js'
import type { ConnectionEvents, Connections, Destination } from './connections.js'
import { ConnectionsToEach } from './connections-to-each.js'
import { Ejector } from './ejector.js'
import { OwnOrder } from './own-order.js'
import { nameOf, plainSnapshot } from './plain-snapshot.js'
import { PolicyConfig } from './policy-config.js'

/** Endpoints that get nothing new by the registry's word are not connected to. */
const NOT_CONNECTED: ReadonlySet<Verdict> = new Set(['drain', 'maint', 'weight_zero', 'balancer'])

/**
 * A grpc-js load balancer over a `Balancer`: connects to the endpoints that may take traffic, tells the balancer which are connected, and has
 * it choose for every call. Weights and states are the registry's where fairlead's resolver resolves; elsewhere all are alike.
 */
export class PolicyBalancer implements experimental.LoadBalancer {
  readonly #typeName: string
  readonly #helper: experimental.ChannelControlHelper
  readonly #runtime: Runtime
  readonly #balancer: Balancer
  readonly #ejector: Ejector
  readonly #picker: CallPicker
  readonly #load: LoadSubscription
  readonly #order: OwnOrder
  #choice: PolicyChoice | undefined
  #connections: Connections | undefined
  #resolved: Resolved | undefined
  #destinations: readonly Destination[] = []
  #note = ''
  /** Whether nothing is to be told yet: more is changing. */
  #busy = false
  /** What changed meanwhile. */
  readonly #usable = new Map<Upstream, boolean>()

  constructor(typeName: string, helper: experimental.ChannelControlHelper, runtime: Runtime) {
    this.#typeName = typeName
    this.#helper = helper
    this.#runtime = runtime
    this.#balancer = createBalancer({ byConnection: true, onChange: () => this.#publish() }, runtime)
    this.#ejector = new Ejector(this.#balancer, runtime)
    this.#order = new OwnOrder(runtime.random)
    const subchannelOf = (upstream: Upstream) => this.#connections?.subchannelOf(upstream)
    this.#picker = new CallPicker(this.#balancer, subchannelOf, runtime.clock)
    // Reports come on the connections that calls are sent on.
    const open: OpenLoadStream = (upstream, periodMs, observer) => {
      const channel = subchannelOf(upstream)?.getChannel()
      return channel && openLoadStreamOn(channel, periodMs, observer)
    }
    this.#load = subscribeLoad(this.#balancer, runtime, { belongsTo: subchannelOf, open })
  }

  /** Always accepts: grpc-js lets calls hang on a channel whose policy refused what was resolved first. */
  updateAddressList(
    endpoints: experimental.StatusOr<experimental.Endpoint[]>,
    config: experimental.TypedLoadBalancingConfig,
    options: ChannelOptions,
    note: string,
  ): boolean {
    if (!(config instanceof PolicyConfig)) return false
    if (!endpoints.ok) {
      // What was resolved before still counts.
      if (!this.#connections) this.#fail(endpoints.error)
      return true
    }
    this.#busy = true
    this.#resolved = resolvedOf(options)
    this.#usePolicy(config.choice)
    this.#balancer.update(this.#inOwnOrder(this.#resolved?.snapshot ?? plainSnapshot(this.#typeName, endpoints.value)))
    this.#destinations = this.#chooseDestinations(endpoints.value)
    this.#connections!.update(this.#destinations, options, note)
    this.#note = note
    this.#balancer.setConnected(this.#usable)
    this.#usable.clear()
    this.#busy = false
    this.#load.update()
    this.#publish()
    return true
  }

  exitIdle(): void {
    this.#connections?.wake()
  }

  /** Connections have their backoff in their subchannels. */
  resetBackoff(): void {}

  destroy(): void {
    this.#busy = true
    this.#connections?.close()
    this.#balancer.update(plainSnapshot(this.#typeName, []))
    this.#load.close()
    this.#ejector.close()
    this.#picker.close()
  }

  getTypeName(): string {
    return this.#typeName
  }

  /** Only where nothing depends on the order: the first is to be the first, and all channels are to agree on where a key belongs. */
  #inOwnOrder(snapshot: Snapshot): Snapshot {
    const { byKey, share } = this.#choice!.policy
    return byKey || share === 'first' ? snapshot : { ...snapshot, endpoints: this.#order.of(snapshot.endpoints) }
  }

  #usePolicy(choice: PolicyChoice): void {
    const before = this.#choice
    this.#choice = choice
    if (before && sameChoice(choice, before)) return
    this.#balancer.setPolicy(choice)
    this.#picker.byLatency = choice.policy.byLatency === true
    this.#picker.keyOf = choice.policy.byKey ? this.#keyBy(choice) : undefined
    if (before && connectsAlike(choice, before)) return
    this.#connections?.close()
    this.#connections = this.#connect(choice)
  }

  #connect({ policy, config }: PolicyChoice): Connections {
    const events: ConnectionEvents = {
      usable: (upstream, usable) => {
        if (this.#busy) this.#usable.set(upstream, usable)
        else this.#balancer.setConnected([[upstream, usable]])
      },
      unreachable: ({ endpoint }) => this.#resolved?.disprove(endpoint.address),
      lost: () => this.#helper.requestReresolution(),
      changed: () => {
        if (!this.#busy) this.#load.update()
        this.#publish()
      },
    }
    if (policy.share !== 'first') return new ConnectionsToEach(this.#helper, events, policy.byKey === true)
    const { shuffleAddressList } = config as PickFirstConfig
    return new ConnectionToFirst(this.#helper, events, shuffleAddressList ? this.#runtime.random : undefined)
  }

  /** Whom to connect to, of what was resolved. */
  #chooseDestinations(endpoints: readonly experimental.Endpoint[]): Destination[] {
    const given = new Map(endpoints.map((endpoint) => [nameOf(endpoint), endpoint]))
    return this.#balancer
      .status()
      .upstreams.filter(({ verdict }) => !NOT_CONNECTED.has(verdict))
      .map(({ upstream }) => {
        const { address, host, port } = upstream.endpoint
        return { upstream, endpoint: given.get(address) ?? { addresses: [{ host, port }] } }
      })
  }

  #keyBy({ name }: PolicyChoice): KeyOf {
    // The source of all calls of this process is this machine.
    const source = name === 'source_hash' ? hostname() : undefined
    return (metadata) => {
      const header = this.#balancer.hashHeader
      if (header === undefined) return source
      // "If … the request has no value associated with the header, then the picker will generate a random hash" (gRFC A76)
      return metadata.get(header).join(',') || undefined
    }
  }

  /** Tells grpc-js how things are; calls that wait are picked for again. */
  #publish(): void {
    if (this.#busy || !this.#connections) return
    if (this.#destinations.length === 0) return this.#fail({ details: this.#whyEmpty() })
    const { state } = this.#connections
    if (state === connectivityState.TRANSIENT_FAILURE) return this.#fail({ details: this.#whyUnconnected() })
    if (state === connectivityState.READY && this.#balancer.candidates > 0) {
      return this.#helper.updateState(state, this.#picker, null)
    }
    // Connected, but the balancer has not taken that in.
    const shown = state === connectivityState.READY ? connectivityState.CONNECTING : state
    this.#helper.updateState(shown, new experimental.QueuePicker(this), null)
  }

  #fail({ code = status.UNAVAILABLE, details = '', metadata = new Metadata() }: Partial<StatusObject>): void {
    const picker = new experimental.UnavailablePicker({ code, details, metadata })
    this.#helper.updateState(connectivityState.TRANSIENT_FAILURE, picker, details)
  }

  #whyEmpty(): string {
    if (!this.#resolved) return `No addresses resolved. ${this.#note}`.trim()
    const { message, hint } = this.#balancer.failure()
    return hint === undefined ? message : `${message}; ${hint}`
  }

  #whyUnconnected(): string {
    const count = this.#destinations.length
    const whose = this.#resolved ? ` of ${this.#resolved.snapshot.service}` : ''
    const which = count === 1 ? `the endpoint${whose}` : `any of ${count} endpoints${whose}`
    return `no connection to ${which}: ${this.#connections?.lastError ?? 'none could be made'}`
  }
}

function sameChoice(a: PolicyChoice, b: PolicyChoice): boolean {
  const said = ({ config, outlierDetection }: PolicyChoice) => JSON.stringify([config, outlierDetection])
  return a.name === b.name && said(a) === said(b)
}

/** Whether two policies want the same connections. */
function connectsAlike(a: PolicyChoice, b: PolicyChoice): boolean {
  if (a.policy.share === 'first' || b.policy.share === 'first') return false
  return a.policy.byKey === b.policy.byKey
}
