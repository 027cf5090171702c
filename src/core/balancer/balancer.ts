import { asFairleadError, type FairleadError } from '../errors.js'
import type { Endpoint } from '../model/endpoint.js'
import type { Snapshot } from '../model/snapshot.js'
import type { Runtime } from '../runtime.js'
import type { Balancer, BalancerStatus } from './contract.js'
import { CountedPick, type PickLedger } from './counted-pick.js'
import { isUsable, judge, type Verdict } from './eligibility.js'
import type { HealthRules, HealthWatcher } from './health.js'
import { LoadTable } from './load-table.js'
import { noEndpoints } from './no-endpoints.js'
import type { LoadReport } from './orca/load-report.js'
import { LoadWeights, type Traffic } from './orca/load-weights.js'
import type { OutlierDetection } from './outlier-detection.js'
import type { HashHeaderConfig } from './policies/hash-header.js'
import type { Picker, PickRequest } from './policy.js'
import { choosePolicy, parseServiceConfig, type PolicyChoice } from './service-config.js'
import { Supervision } from './supervision.js'
import { type Fault, type Outcome, Upstream } from './upstream.js'

export interface BalancerOptions {
  /** The policy to use whatever the service's config says. Absent: the config's, else the default. */
  readonly policy?: PolicyChoice
  /** Whether endpoints take traffic only while `setConnected` says that they are connected. They begin without. Default false. */
  readonly byConnection?: boolean
  /** Where picks are made elsewhere, by what is found out here: how much traffic that makes. Absent: they are made here. */
  readonly traffic?: Traffic
  /** Called after the endpoints that picks go to, or their weights, have changed. Must not throw. */
  readonly onChange?: () => void
}

/** A balancer that knows no endpoints yet: picks fail with NO_ENDPOINTS until the first `update`. */
export function createBalancer(options: BalancerOptions, runtime: Runtime): Balancer {
  return new SnapshotBalancer(options, runtime)
}

/** What a snapshot says. */
interface Facts {
  /** Undefined before the first snapshot. */
  readonly service: string | undefined
  readonly choice: PolicyChoice
  readonly outlierDetection: OutlierDetection | undefined
  readonly configError: FairleadError | undefined
  /** By address, in snapshot order. */
  readonly upstreams: ReadonlyMap<string, Upstream>
}

/** What picks go by. Replaced as a whole, so that a pick never sees half an update. */
interface State extends Facts {
  readonly verdicts: readonly Verdict[]
  readonly panic: boolean
  readonly candidates: readonly Upstream[]
  /** The candidates' weights in the picker. */
  readonly weights: readonly number[]
  /** Undefined when there are no candidates. */
  readonly picker: Picker | undefined
}

/** How long news of endpoints' health wait for more of the kind, milliseconds. */
const NEWS_WAIT_MS = 10
/** Working out what follows from such news takes at most one part in so many of the time. */
const NEWS_BUILD_SHARE = 20
/** The same for news of connections, which are what a client that has just begun waits for. */
const CONNECTION_SHARE = 4

class SnapshotBalancer implements Balancer, PickLedger {
  #fixed: PolicyChoice | undefined
  readonly #byConnection: boolean
  readonly #traffic: Traffic | undefined
  readonly #onChange: (() => void) | undefined
  readonly #runtime: Runtime
  #state: State
  /** Why picks found nothing, and in which state that was. */
  #failure: FairleadError | undefined
  #failedState: State | undefined
  #snapshot: Snapshot | undefined
  /** Of the upstreams of `#state`. */
  readonly #loads = new LoadTable()
  /** Upstreams that left with requests in flight, by address: should one come back, those requests still count. */
  readonly #departed = new Map<string, Upstream>()
  readonly #supervision: Supervision
  #loadWeights: LoadWeights | undefined
  #newsDue = false
  /** When a picker was put into use last, and how long it took to work that out, milliseconds. */
  #settledAt = -Infinity
  #settleMs = 0

  constructor({ policy, byConnection, traffic, onChange }: BalancerOptions, runtime: Runtime) {
    this.#fixed = policy
    this.#byConnection = byConnection ?? false
    this.#traffic = traffic
    this.#onChange = onChange
    this.#runtime = runtime
    this.#supervision = new Supervision(runtime.clock)
    this.#state = {
      service: undefined,
      choice: policy ?? choosePolicy(),
      outlierDetection: undefined,
      configError: undefined,
      upstreams: new Map(),
      verdicts: [],
      panic: false,
      candidates: [],
      weights: [],
      picker: undefined,
    }
  }

  setPolicy(policy: PolicyChoice | undefined): void {
    this.#fixed = policy
    if (this.#snapshot) this.update(this.#snapshot)
    else this.#state = { ...this.#state, choice: policy ?? choosePolicy() }
  }

  get candidates(): number {
    return this.#state.candidates.length
  }

  get hashHeader(): string | undefined {
    const { choice } = this.#state
    return choice.policy.byKey ? (choice.config as HashHeaderConfig).requestHashHeader : undefined
  }

  get wantsLoadReports(): boolean {
    return this.#loadWeights !== undefined
  }

  get oobReportingMs(): number | undefined {
    return this.#loadWeights?.rules.oobMs
  }

  supervise(watcher: HealthWatcher, rules: HealthRules): void {
    this.#supervision.begin(watcher, rules)
  }

  update(snapshot: Snapshot): void {
    this.#snapshot = snapshot
    const before = this.#state
    const upstreams = new Map(snapshot.endpoints.map((endpoint) => [endpoint.address, this.#adopt(endpoint)]))
    const chosen = this.#choose(snapshot)
    this.#weighBy(chosen.choice, upstreams.values())
    this.#supervision.follow(upstreams.values(), chosen.outlierDetection)
    this.#settle({ service: snapshot.service, ...chosen, upstreams })
    for (const [address, upstream] of before.upstreams) {
      if (upstreams.has(address)) continue
      upstream.usable = false
      upstream.moveTo(new LoadTable())
      if (upstream.inFlight > 0) this.#departed.set(address, upstream)
    }
  }

  setFault(upstream: Upstream, fault: Fault, present: boolean): void {
    if (!this.#supervision.setFault(upstream, fault, present)) return
    this.#settleIn(Math.max(NEWS_WAIT_MS, this.#settleMs * NEWS_BUILD_SHARE))
  }

  setConnected(changes: Iterable<readonly [Upstream, boolean]>): void {
    let news = false
    for (const [upstream, connected] of changes) {
      if (upstream.isConnected === connected) continue
      upstream.isConnected = connected
      if (connected) upstream.reported?.reconnected()
      news ||= this.#state.upstreams.get(upstream.endpoint.address) === upstream
    }
    if (!news) return
    const wait = this.#settledAt + this.#settleMs * CONNECTION_SHARE - this.#runtime.clock.now()
    if (wait <= 0) this.#settle(this.#state)
    else this.#settleIn(wait)
  }

  #settleIn(ms: number): void {
    if (this.#newsDue) return
    this.#newsDue = true
    const tell = () => {
      this.#newsDue = false
      this.#settle(this.#state)
    }
    this.#runtime.clock.after(ms, tell, { keepAlive: false })
  }

  report(upstream: Upstream, load: LoadReport): void {
    this.#loadWeights?.report(upstream, load)
  }

  pick(request: PickRequest): CountedPick {
    const picked = this.tryPick(request)
    if (picked === undefined) throw this.#nothing()
    return picked
  }

  tryPick(request: PickRequest): CountedPick | undefined {
    const { picker } = this.#state
    let upstream = (request.prefer !== undefined && this.#preferred(request)) || picker?.pick(request)
    if (upstream === undefined) return undefined
    if (upstream.ramp !== undefined) upstream = this.#rampUp(upstream, request)
    upstream.begin()
    picker!.loadChanged?.(upstream)
    return new CountedPick(this, upstream)
  }

  failure(): FairleadError {
    if (this.#failedState !== this.#state || this.#failure === undefined) {
      this.#failedState = this.#state
      this.#failure = this.#nothing()
    }
    return this.#failure
  }

  status(): BalancerStatus {
    const { choice, configError, upstreams, verdicts, panic } = this.#state
    return {
      policy: choice.name,
      configError,
      panic,
      upstreams: Array.from(upstreams.values(), (upstream, i) => ({ upstream, verdict: verdicts[i]! })),
    }
  }

  answered(upstream: Upstream, latencyMs: number): void {
    upstream.answered(latencyMs, this.#runtime.clock.now())
  }

  finish(upstream: Upstream, outcome: Outcome): void {
    upstream.end(outcome, outcome.endedAt ?? this.#runtime.clock.now())
    if (outcome.load !== undefined) this.report(upstream, outcome.load)
    this.#state.picker?.loadChanged?.(upstream)
    if (upstream.inFlight === 0 && this.#departed.get(upstream.endpoint.address) === upstream) {
      this.#departed.delete(upstream.endpoint.address)
    }
  }

  /** The upstream of an address, told what the snapshot says now. */
  #adopt(endpoint: Endpoint): Upstream {
    const { address } = endpoint
    const known = this.#state.upstreams.get(address) ?? this.#departed.get(address)
    if (known === undefined) {
      const upstream = new Upstream(endpoint, this.#loads)
      upstream.isConnected = !this.#byConnection
      return upstream
    }
    if (this.#departed.delete(address)) known.moveTo(this.#loads)
    if (endpoint.id !== known.endpoint.id) {
      this.#supervision.dismiss(known)
      known.forget()
    }
    known.replace(endpoint)
    return known
  }

  /** Works out who may take traffic, and by which weights, and has the picker built if that is another answer than before. */
  #settle(facts: Facts): void {
    const { clock } = this.#runtime
    const began = clock.now()
    const before = this.#state
    const { service, choice, outlierDetection, configError, upstreams } = facts
    const all = [...upstreams.values()]
    const { verdicts, panic } = judge(all, this.#supervision.panicPercent)
    const candidates = all.filter((upstream, i) => (upstream.usable = isUsable(verdicts[i]!)))
    this.#loadWeights?.assign(candidates)
    const weights = candidates.map(({ weight }) => weight)
    const same =
      sameChoice(choice, before.choice) &&
      candidates.length === before.candidates.length &&
      candidates.every((upstream, i) => upstream === before.candidates[i] && weights[i] === before.weights[i])
    const picker = same ? before.picker : this.#build(candidates, choice, before.picker)
    const rest = { outlierDetection, configError, upstreams, verdicts, panic, candidates, weights, picker }
    this.#state = { service, choice, ...rest }
    this.#supervision.panicIs(panic)
    if (same) return
    this.#settledAt = clock.now()
    this.#settleMs = this.#settledAt - began
    this.#onChange?.()
  }

  #preferred({ prefer, exclude }: PickRequest): Upstream | undefined {
    const upstream = this.#state.upstreams.get(prefer!)
    return upstream?.usable && !exclude?.includes(upstream) ? upstream : undefined
  }

  /** Passes a pick of an upstream that is on its way into use on to another one, now and then. */
  #rampUp(upstream: Upstream, { exclude, prefer }: PickRequest): Upstream {
    const { choice, picker } = this.#state
    const now = this.#runtime.clock.now()
    if (upstream.ramp!.isOver(now)) {
      upstream.ramp = undefined
      return upstream
    }
    // Keys and clients stay where they belong.
    const { byKey, share } = choice.policy
    if (byKey || share === 'first' || upstream.endpoint.address === prefer) return upstream
    if (upstream.ramp!.admits(now)) return upstream
    return picker!.pick({ exclude: [...(exclude ?? []), upstream] }) ?? upstream
  }

  #nothing(): FairleadError {
    const { service, verdicts, candidates } = this.#state
    return noEndpoints(service, verdicts, candidates.length)
  }

  #choose(snapshot: Snapshot): Pick<State, 'choice' | 'outlierDetection' | 'configError'> {
    const { serviceConfig } = snapshot
    try {
      const said = serviceConfig && parseServiceConfig(serviceConfig)
      return {
        choice: this.#fixed ?? said ?? choosePolicy(),
        outlierDetection: this.#fixed?.outlierDetection ?? said?.outlierDetection,
        configError: undefined,
      }
    } catch (error) {
      const { choice, outlierDetection, configError: known } = this.#state
      if (this.#fixed) return { choice: this.#fixed, outlierDetection, configError: undefined }
      const configError = asFairleadError(error)
      if (known?.message !== configError.message) {
        const fields = { service: snapshot.service, error: configError.message, policy: choice.name }
        this.#runtime.log.warn('the service config cannot be used; the policy stays', fields)
      }
      return { choice, outlierDetection, configError }
    }
  }

  /** Begins or ends to take weights from load reports, as the policy to come asks for. */
  #weighBy(choice: PolicyChoice, upstreams: Iterable<Upstream>): void {
    if (sameChoice(choice, this.#state.choice) && this.#state.service !== undefined) return
    this.#loadWeights?.end(upstreams)
    const rules = choice.policy.loadWeights?.(choice.config)
    this.#loadWeights =
      rules && new LoadWeights(rules, this.#runtime.clock, this.#traffic, () => this.#settle(this.#state))
  }

  #build(candidates: readonly Upstream[], choice: PolicyChoice, previous: Picker | undefined): Picker | undefined {
    if (candidates.length === 0) return undefined
    return choice.policy.build(candidates, choice.config, this.#runtime, previous)
  }
}

function sameChoice(a: PolicyChoice, b: PolicyChoice): boolean {
  return a === b || (a.name === b.name && JSON.stringify(a.config) === JSON.stringify(b.config))
}
