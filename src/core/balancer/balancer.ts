import { asFairleadError, FairleadError } from '../errors.js'
import type { Endpoint } from '../model/endpoint.js'
import type { Snapshot } from '../model/snapshot.js'
import type { Runtime } from '../runtime.js'
import type { Balancer, BalancerStatus, PickResult } from './contract.js'
import { explainVerdict, isUsable, judge, type Verdict } from './eligibility.js'
import { LoadTable } from './load-table.js'
import type { Picker, PickRequest } from './policy.js'
import { choosePolicy, parseServiceConfig, type PolicyChoice } from './service-config.js'
import { type Outcome, Upstream } from './upstream.js'

export interface BalancerOptions {
  /** The policy to use whatever the service's config says. Absent: the config's, else the default. */
  readonly policy?: PolicyChoice
}

/** A balancer that knows no endpoints yet: picks fail with NO_ENDPOINTS until the first `update`. */
export function createBalancer(options: BalancerOptions, runtime: Runtime): Balancer {
  return new SnapshotBalancer(options.policy, runtime)
}

/** What picks go by. Replaced as a whole, so that a pick never sees half an update. */
interface State {
  /** Undefined before the first snapshot. */
  readonly service: string | undefined
  readonly choice: PolicyChoice
  readonly configError: FairleadError | undefined
  /** By address, in snapshot order. */
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly verdicts: readonly Verdict[]
  readonly candidates: readonly Upstream[]
  /** Undefined when there are no candidates. */
  readonly picker: Picker | undefined
}

class SnapshotBalancer implements Balancer {
  #fixed: PolicyChoice | undefined
  readonly #runtime: Runtime
  #state: State
  #snapshot: Snapshot | undefined
  /** Of the upstreams of `#state`. */
  readonly #loads = new LoadTable()
  /** Upstreams that left with requests in flight, by address: should one come back, those requests still count. */
  readonly #departed = new Map<string, Upstream>()

  constructor(fixed: PolicyChoice | undefined, runtime: Runtime) {
    this.#fixed = fixed
    this.#runtime = runtime
    this.#state = {
      service: undefined,
      choice: fixed ?? choosePolicy(),
      configError: undefined,
      upstreams: new Map(),
      verdicts: [],
      candidates: [],
      picker: undefined,
    }
  }

  setPolicy(policy: PolicyChoice | undefined): void {
    this.#fixed = policy
    if (this.#snapshot) this.update(this.#snapshot)
    else this.#state = { ...this.#state, choice: policy ?? choosePolicy() }
  }

  update(snapshot: Snapshot): void {
    this.#snapshot = snapshot
    const before = this.#state
    const weights = before.candidates.map((upstream) => upstream.endpoint.weight)
    const upstreams = new Map(snapshot.endpoints.map((endpoint) => [endpoint.address, this.#adopt(endpoint)]))
    const verdicts = judge(snapshot.endpoints)
    const candidates = [...upstreams.values()].filter((upstream, i) => (upstream.usable = isUsable(verdicts[i]!)))
    const { choice, configError } = this.#choose(snapshot)

    const unchanged =
      sameChoice(choice, before.choice) &&
      candidates.length === weights.length &&
      candidates.every((upstream, i) => upstream === before.candidates[i] && upstream.endpoint.weight === weights[i])
    const picker = unchanged ? before.picker : this.#build(candidates, choice, before.picker)
    this.#state = { service: snapshot.service, choice, configError, upstreams, verdicts, candidates, picker }
    for (const [address, upstream] of before.upstreams) {
      if (upstreams.has(address)) continue
      upstream.moveTo(new LoadTable())
      if (upstream.inFlight > 0) this.#departed.set(address, upstream)
    }
  }

  pick(request: PickRequest): PickResult {
    const { picker } = this.#state
    const upstream = (request.prefer !== undefined && this.#preferred(request)) || picker?.pick(request)
    if (upstream === undefined) throw noEndpoints(this.#state)
    upstream.begin()
    picker!.loadChanged?.(upstream)
    return new CountedPick(this, upstream)
  }

  status(): BalancerStatus {
    const { choice, configError, upstreams, verdicts } = this.#state
    return {
      policy: choice.name,
      configError,
      upstreams: Array.from(upstreams.values(), (upstream, i) => ({ upstream, verdict: verdicts[i]! })),
    }
  }

  /** Called once for each pick. */
  finish(upstream: Upstream, outcome: Outcome): void {
    upstream.end(outcome, this.#runtime.clock.now())
    this.#state.picker?.loadChanged?.(upstream)
    if (upstream.inFlight === 0 && this.#departed.get(upstream.endpoint.address) === upstream) {
      this.#departed.delete(upstream.endpoint.address)
    }
  }

  /** The upstream of an address, told what the snapshot says now. */
  #adopt(endpoint: Endpoint): Upstream {
    const { address } = endpoint
    const known = this.#state.upstreams.get(address) ?? this.#departed.get(address)
    if (known === undefined) return new Upstream(endpoint, this.#loads)
    if (this.#departed.delete(address)) known.moveTo(this.#loads)
    known.replace(endpoint)
    return known
  }

  #preferred({ prefer, exclude }: PickRequest): Upstream | undefined {
    const upstream = this.#state.upstreams.get(prefer!)
    return upstream?.usable && !exclude?.includes(upstream) ? upstream : undefined
  }

  #choose(snapshot: Snapshot): Pick<State, 'choice' | 'configError'> {
    if (this.#fixed) return { choice: this.#fixed, configError: undefined }
    if (snapshot.serviceConfig === undefined) return { choice: choosePolicy(), configError: undefined }
    try {
      return { choice: parseServiceConfig(snapshot.serviceConfig) ?? choosePolicy(), configError: undefined }
    } catch (error) {
      const configError = asFairleadError(error)
      const { choice, configError: known } = this.#state
      if (known?.message !== configError.message) {
        const fields = { service: snapshot.service, error: configError.message, policy: choice.name }
        this.#runtime.log.warn('the service config cannot be used; the policy stays', fields)
      }
      return { choice, configError }
    }
  }

  #build(candidates: readonly Upstream[], choice: PolicyChoice, previous: Picker | undefined): Picker | undefined {
    if (candidates.length === 0) return undefined
    return choice.policy.build(candidates, choice.config, this.#runtime, previous)
  }
}

/** One pick under way. The only object a pick makes. */
class CountedPick implements PickResult {
  readonly upstream: Upstream
  #balancer: SnapshotBalancer | undefined

  constructor(balancer: SnapshotBalancer, upstream: Upstream) {
    this.#balancer = balancer
    this.upstream = upstream
  }

  done(outcome: Outcome): void {
    const balancer = this.#balancer
    this.#balancer = undefined
    balancer?.finish(this.upstream, outcome)
  }
}

function sameChoice(a: PolicyChoice, b: PolicyChoice): boolean {
  return a === b || (a.name === b.name && JSON.stringify(a.config) === JSON.stringify(b.config))
}

function noEndpoints(state: State): FairleadError {
  const { service, candidates, verdicts } = state
  if (service === undefined) return new FairleadError('NO_ENDPOINTS', 'no endpoints are known yet')
  if (candidates.length > 0) {
    return new FairleadError('NO_ENDPOINTS', `every usable endpoint of ${service} has been tried for this request`)
  }
  if (verdicts.length === 0) {
    return new FairleadError('NO_ENDPOINTS', `${service} has no endpoints`, {
      hint: `register one: fairlead register ${service} ADDRESS`,
    })
  }
  const reasons = [...new Set(verdicts)].map((verdict) => {
    return `${verdicts.filter((other) => other === verdict).length} ${explainVerdict(verdict)}`
  })
  return new FairleadError('NO_ENDPOINTS', `no endpoint of ${service} may take traffic: ${reasons.join('; ')}`, {
    hint: `bring one back: fairlead set ${service} ADDRESS --state ready`,
  })
}
