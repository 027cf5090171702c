import { Backoff } from '../backoff.js'
import { asFairleadError, FairleadError } from '../errors.js'
import type { Endpoint } from '../model/endpoint.js'
import { type Clock, type Runtime, sleep } from '../runtime.js'
import { type ConflictMode, judge } from './claim.js'
import { changeEndpoint, type Description } from './description.js'
import { HolderWait } from './holder-wait.js'
import type { LeasePool, LeaseShare } from './lease-pool.js'
import type { Leftovers } from './leftovers.js'
import type { Limiter } from './limiter.js'
import type { OwnKeysWatch } from './own-keys-watch.js'
import type { Place, Sighting } from './record-access.js'
import { RecordHandle } from './record-handle.js'
import type { Registration, RegistrationEnd, RegistrationEvent, RegistrationState } from './registration.js'
import type { Store } from './store.js'

/** What the registrations of a registrar share. */
export interface Shared {
  readonly store: Store
  readonly runtime: Runtime
  readonly leases: LeasePool
  readonly watch: OwnKeysWatch
  readonly leftovers: Leftovers
  /** Keeps a thousand registrations from healing all at once. */
  readonly limiter: Limiter
}

export interface Plan {
  readonly service: string
  readonly place: Place
  readonly endpoint: Endpoint
  readonly ttlSeconds: number
  readonly mode: ConflictMode
  readonly visible: boolean
  readonly giveUpAfterMs: number | undefined
  readonly onEvent: (event: RegistrationEvent) => void
}

interface Patch {
  readonly changes: Description
  readonly settle: (error?: FairleadError) => void
}

/** A call that hangs must not use up the time that healing may take. */
const CALL_TIMEOUT_MS = 2000
/** How long `close` waits for a write under way, and then for the removal. */
const SETTLE_TIMEOUT_MS = 1000
const REMOVE_TIMEOUT_MS = 3000
/** However good a watch, the record is looked at this often as well. */
const RECHECK_MS = 30_000
const REMEMBERED_LEASES = 16
const MAX_ROUNDS = 8

/** No retry mends these, if the very first attempt meets them. */
const HOPELESS: ReadonlySet<string> = new Set(['UNAUTHENTICATED', 'PERMISSION_DENIED', 'INVALID_ARGUMENT', 'ABORTED'])

/**
 * Keeps one record as it should be. Whatever happens (a lease granted or lost, a change seen, a timer) only wakes one loop, which compares
 * what is there with what should be and writes, guarded by the revision it has seen, until both agree.
 */
export class KeptRegistration implements Registration {
  readonly id: string
  readonly service: string
  readonly address: string
  readonly closed: Promise<RegistrationEnd>

  readonly #shared: Shared
  readonly #plan: Plan
  readonly #share: LeaseShare
  readonly #record: RecordHandle
  readonly #backoff: Backoff
  readonly #slowBackoff: Backoff
  readonly #holder = new HolderWait()
  readonly #leases = new Set<bigint>()
  readonly #calls = new AbortController()
  readonly #unwatch: () => void
  readonly #settleClosed: (end: RegistrationEnd) => void
  #endpoint: Endpoint
  #state: RegistrationState = 'pending'
  #visible: boolean
  #patches: Patch[] = []
  #since: bigint | undefined
  #lease: bigint | undefined
  /** A revision before which nobody else can have taken the record from us; undefined while it never was ours. */
  #heldAt: bigint | undefined
  #attempted = false
  #failing = false
  #dirty = false
  #working: Promise<void> | undefined
  #ending: Promise<void> | undefined
  #cancelTimer: (() => void) | undefined
  #cancelGiveUp: (() => void) | undefined

  constructor(shared: Shared, plan: Plan) {
    this.#shared = shared
    this.#plan = plan
    this.#endpoint = plan.endpoint
    this.#visible = plan.visible
    this.id = plan.endpoint.id
    this.service = plan.service
    this.address = plan.endpoint.address
    const { random } = shared.runtime
    this.#backoff = new Backoff(random, { initialMs: 100, maxMs: 1000 })
    this.#slowBackoff = new Backoff(random, { initialMs: 5000, maxMs: 30_000 })
    let settle!: (end: RegistrationEnd) => void
    this.closed = new Promise((resolve) => (settle = resolve))
    this.#settleClosed = settle
    this.#armGiveUp()
    this.#share = shared.leases.share(plan.ttlSeconds, () => this.#wake())
    this.#record = this.#handle(this.#calls.signal)
    this.#unwatch = shared.watch.add(plan.place.key, (revision) => this.#touched(revision))
    this.#wake()
  }

  get endpoint(): Endpoint {
    return this.#endpoint
  }

  get state(): RegistrationState {
    return this.#state
  }

  get lease(): bigint | undefined {
    return this.#lease
  }

  async update(changes: Description): Promise<void> {
    changeEndpoint(this.#endpoint, changes)
    if (this.#ending) throw new FairleadError('ABORTED', `the registration of ${this.address} has ended`)
    await new Promise<void>((resolve, reject) => {
      this.#patches.push({ changes, settle: (error) => (error ? reject(error) : resolve()) })
      this.#wake()
    })
  }

  setVisible(visible: boolean): void {
    if (this.#visible === visible) return
    this.#visible = visible
    if (visible && this.#state === 'withdrawn') {
      this.#state = 'pending'
      this.#armGiveUp()
    }
    this.#wake()
  }

  close(): Promise<void> {
    return this.#end({ how: 'closed' })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #touched(revision: bigint | undefined): void {
    if (revision === undefined) this.#holder.reset()
    if (this.#record.touched(revision)) this.#wake()
  }

  #wake(): void {
    this.#dirty = true
    if (this.#ending || this.#working) return
    this.#working = this.#work()
  }

  async #work(): Promise<void> {
    while (this.#dirty && !this.#ending) {
      this.#dirty = false
      this.#cancelTimer?.()
      try {
        const again = await this.#shared.limiter.run(() => this.#reconcile())
        this.#timer(again)
      } catch (error) {
        if (!this.#ending) this.#failed(asFairleadError(error))
      }
    }
    // In the same turn as the last look at `dirty`, so that no wake is lost.
    this.#working = undefined
  }

  /** Brings the record to what it should be. Returns after how many milliseconds to look again. */
  async #reconcile(): Promise<number> {
    const lease = this.#share.current
    if (!lease?.certain) {
      if (this.#state === 'registered') this.#enter('lost')
      if (this.#share.error) throw this.#share.error
      if (!lease) return RECHECK_MS
    }
    this.#remember(lease.id)
    for (let round = 0; round < MAX_ROUNDS && !this.#ending; round++) {
      const seen = await this.#record.look()
      if (this.#since === undefined || seen.revision < this.#since)
        this.#since = this.#heldAt === undefined ? seen.revision : 0n
      const again = this.#visible ? await this.#show(seen, lease.id) : await this.#hide(seen)
      if (again === undefined) continue
      this.#succeeded()
      return again
    }
    return this.#backoff.next()
  }

  /** Undefined: look again at what is there now. */
  async #show(seen: Sighting, lease: bigint): Promise<number | undefined> {
    const { mode } = this.#plan
    const isUnbroken = this.#lease === lease
    const self = {
      id: this.id,
      mode,
      heldAt: this.#heldAt,
      isUnbroken,
      lease,
      leases: this.#leases,
      since: this.#since!,
    }
    const verdict = judge(self, seen)
    switch (verdict.kind) {
      case 'deregistered':
        void this.#end({ how: 'deregistered' })
        return RECHECK_MS
      case 'conflict':
        if (isUnbroken && !(await this.#shared.store.leaseInfo(lease))) {
          this.#share.reportGone(lease)
          return RECHECK_MS
        }
        void this.#end({ how: 'conflict', error: this.#conflict(verdict.holder) })
        return RECHECK_MS
      case 'wait':
        return this.#waitFor(verdict.lease, seen)
      default:
        return this.#write(seen, lease, verdict.kind === 'keep', verdict.adopt)
    }
  }

  async #write(seen: Sighting, lease: bigint, present: boolean, adopt: boolean): Promise<number | undefined> {
    const there = seen.record?.endpoint
    const base = adopt && there ? adopted(this.#endpoint, there) : this.#endpoint
    const patches = [...this.#patches]
    const endpoint = patches.reduce((result, { changes }) => changeEndpoint(result, changes), base)
    if (!present || patches.length > 0 || there?.address !== endpoint.address || there.role !== endpoint.role) {
      this.#attempted = true
      if (!(await this.#record.put(endpoint, lease, seen))) return undefined
    }
    this.#endpoint = endpoint
    this.#patches = this.#patches.filter((patch) => !patches.includes(patch))
    for (const patch of patches) patch.settle()
    const renewed = this.#lease !== lease
    this.#lease = lease
    this.#heldAt = seen.revision
    if (this.#share.current?.certain && (renewed || this.#state !== 'registered')) this.#enter('registered')
    return RECHECK_MS
  }

  async #hide(seen: Sighting): Promise<number | undefined> {
    if (this.#isOurs(seen) && !(await this.#record.remove('failing', seen))) return undefined
    this.#lease = undefined
    if (this.#state !== 'withdrawn') this.#enter('withdrawn')
    return RECHECK_MS
  }

  async #waitFor(lease: bigint, seen: Sighting): Promise<number | undefined> {
    const look = await this.#holder.look(this.#shared.store, lease, this.#shared.runtime.clock.now())
    if (look === 'renewed') {
      void this.#end({ how: 'conflict', error: this.#conflict(seen.record?.endpoint?.id ?? 'another writer') })
      return RECHECK_MS
    }
    if (look.first) this.#emit({ type: 'waiting', lease, remainingSeconds: look.first.remainingSeconds })
    this.#record.forget()
    return Math.max(look.again, 50)
  }

  #isOurs(seen: Sighting): boolean {
    const { record } = seen
    if (record?.endpoint?.id !== this.id) return false
    return this.#leases.has(record.lease) || (this.#heldAt !== undefined && record.lease === 0n)
  }

  #conflict(holder: string): FairleadError {
    return new FairleadError('CONFLICT', `${this.address} of ${this.service} is held by ${holder}`, {
      hint: 'stop that one, or take the address over with --on-conflict takeover',
    })
  }

  #failed(error: FairleadError): void {
    this.#record.forget()
    this.#holder.reset()
    if (HOPELESS.has(error.code) && this.#heldAt === undefined) {
      void this.#end({ how: 'failed', error })
      return
    }
    if (error.code === 'NOT_FOUND' && this.#share.current) {
      // The lease is gone, and the share tells when there is another one.
      this.#share.reportGone(this.#share.current.id)
      return
    }
    if (!this.#failing) {
      this.#failing = true
      this.#emit({ type: 'retrying', error })
    }
    this.#timer((error.code === 'UNAVAILABLE' ? this.#backoff : this.#slowBackoff).next())
  }

  #succeeded(): void {
    this.#failing = false
    this.#backoff.reset()
    this.#slowBackoff.reset()
  }

  #remember(lease: bigint): void {
    this.#leases.delete(lease)
    this.#leases.add(lease)
    if (this.#leases.size > REMEMBERED_LEASES) this.#leases.delete(this.#leases.values().next().value!)
  }

  /** Looks again after a while; a look that nothing asked for reads anew. */
  #timer(ms: number): void {
    this.#cancelTimer?.()
    if (this.#ending) return
    const { clock, random } = this.#shared.runtime
    const jittered = ms === RECHECK_MS ? ms * (0.8 + 0.4 * random.next()) : ms
    this.#cancelTimer = clock.after(jittered, () => {
      this.#record.forget()
      this.#wake()
    })
  }

  #enter(state: 'registered' | 'withdrawn' | 'lost'): void {
    this.#state = state
    if (state === 'lost') this.#armGiveUp()
    else this.#cancelGiveUp?.()
    const lease = this.#share.current
    if (state !== 'registered') {
      if (this.#heldAt !== undefined) this.#emit({ type: state })
    } else if (lease) this.#emit({ type: 'registered', lease: lease.id, ttlSeconds: lease.ttlSeconds })
  }

  #armGiveUp(): void {
    const { giveUpAfterMs } = this.#plan
    if (giveUpAfterMs === undefined) return
    this.#cancelGiveUp?.()
    this.#cancelGiveUp = this.#shared.runtime.clock.after(giveUpAfterMs, () => {
      const message = `gave up on ${this.address} of ${this.service}: not in the registry for ${giveUpAfterMs / 1000} s`
      const cause = this.#share.error
      void this.#end({ how: 'gave-up', error: new FairleadError('LEASE_LOST', message, { cause }) })
    })
  }

  #emit(event: RegistrationEvent): void {
    this.#plan.onEvent(event)
  }

  #end(end: RegistrationEnd): Promise<void> {
    return (this.#ending ??= this.#finish(end))
  }

  async #finish(end: RegistrationEnd): Promise<void> {
    this.#cancelTimer?.()
    this.#cancelGiveUp?.()
    this.#unwatch()
    const { clock } = this.#shared.runtime
    // `finish` may have been called from within the work itself.
    await Promise.resolve()
    if (end.how === 'closed' || end.how === 'gave-up') {
      await within(clock, SETTLE_TIMEOUT_MS, this.#working)
      const isRemoved = await within(clock, REMOVE_TIMEOUT_MS, this.#remove(this.#record))
      // A write that is still under way may yet be applied.
      if (!isRemoved || this.#working) this.#leave()
    }
    this.#calls.abort()
    await within(clock, REMOVE_TIMEOUT_MS, this.#share.release())
    this.#state = 'closed'
    this.#lease = undefined
    const ended = new FairleadError('ABORTED', `the registration of ${this.address} has ended`)
    for (const patch of this.#patches.splice(0)) patch.settle(ended)
    this.#emit({ type: 'ended', end })
    this.#settleClosed(end)
  }

  /** Whether the record is gone. */
  async #remove(record: RecordHandle): Promise<boolean> {
    if (!this.#attempted) return true
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const seen = await record.look()
      if (!this.#isOurs(seen) || (await record.remove('closed', seen))) return true
    }
    return false
  }

  /** The record goes when its lease runs out; one that others keep alive has to be removed later. */
  #leave(): void {
    const { runtime, leftovers } = this.#shared
    const { place } = this.#plan
    const { isShared } = this.#share
    const then = isShared ? 'is removed as soon as the registry is back' : 'goes when its lease runs out'
    runtime.log.warn(`the record could not be removed and ${then}`, { key: place.key })
    if (!isShared) return
    leftovers.add(place.key, this.id, (signal) => this.#remove(this.#handle(signal)))
  }

  #handle(signal: AbortSignal): RecordHandle {
    const options = { signal, timeoutMs: CALL_TIMEOUT_MS }
    return new RecordHandle(this.#shared.store, this.#plan.place, options, () => this.#share.beginCall())
  }
}

/** Our own record with what others set in it. */
function adopted(own: Endpoint, there: Endpoint): Endpoint {
  const { zone: _zone, load: _load, ...rest } = own
  const { weight, state, meta, zone, load } = there
  const optional = { ...(zone === undefined ? {} : { zone }), ...(load === undefined ? {} : { load }) }
  return Object.freeze({ ...rest, weight, ...optional, state, meta })
}

/** What a task resolves to; undefined if it fails or takes longer than `ms`. */
async function within<T>(clock: Clock, ms: number, task: Promise<T> | undefined): Promise<T | undefined> {
  if (!task) return undefined
  const done = new AbortController()
  const late = sleep(clock, ms, done.signal).catch(() => undefined)
  const result = await Promise.race([task.catch(() => undefined), late])
  done.abort()
  return result ?? undefined
}
