import type { Runtime } from '../runtime.js'
import type { LoadWeightRules } from './orca/weights.js'
import type { Upstream } from './upstream.js'

/** A named way to choose. Stateless itself: the state of choosing lives in its pickers. */
export interface Policy<Config = unknown> {
  readonly name: string
  /** What share of the picks an endpoint gets in the long run, for previews: all alike, by weight, or all to the first. */
  readonly share: 'equal' | 'weight' | 'first'
  /** Whether requests with equal keys go to equal endpoints; its config is a `HashHeaderConfig` then. Absent: no. */
  readonly byKey?: boolean
  /** Whether it goes by how fast endpoints answer (`Outcome.latencyMs`). Absent: no. */
  readonly byLatency?: boolean
  /** How this policy takes its weights from endpoints' load reports; undefined where its config does not ask for that. */
  loadWeights?(config: Config): LoadWeightRules | undefined
  /** Reads the JSON object given for this policy in a service config. Throws INVALID_ARGUMENT naming the field. */
  parseConfig(raw: unknown): Config
  /**
   * Makes a picker for a set of candidates, which is never empty and is in snapshot order. Their weights are all above
   * zero, or all zero and then alike. `previous` is the picker this one replaces, of the same policy or of another: take
   * over its position where that makes sense.
   */
  build(candidates: readonly Upstream[], config: Config, runtime: Runtime, previous?: Picker): Picker
}

/** One decision object over one fixed set of candidates. Replaced, never changed, when the set does. */
export interface Picker {
  /** Chooses. Synchronous, no I/O, no allocation. Undefined only when every candidate is excluded. */
  pick(request: PickRequest): Upstream | undefined
  /** Called after `upstream.inFlight` changed, for pickers that keep an order by load. Ignores upstreams it does not know. */
  loadChanged?(upstream: Upstream): void
}

export interface PickRequest {
  /** What hash policies hash: the client's address, a header's value, … Absent: a random draw. */
  readonly key?: string | undefined
  /** The address of the endpoint that this client had before: taken, whatever the policy, while usable and not excluded. */
  readonly prefer?: string | undefined
  /** Upstreams that this request has already failed on. Small. */
  readonly exclude?: readonly Upstream[] | undefined
}
