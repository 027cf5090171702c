import { FairleadError } from '../../src/core/errors.js'
import type { Clock } from '../../src/core/runtime.js'
import type {
  CallOptions,
  Condition,
  Entry,
  KeepAliveHandlers,
  Operation,
  Store,
  StoreEvent,
  Transaction,
  TransactionResult,
  WatchBatch,
} from '../../src/core/registry/store.js'

interface Lease {
  readonly ttlSeconds: number
  expiresAt: number
}

interface Watcher {
  readonly prefixes: readonly string[]
  push(batch: WatchBatch): void
  fail(error: Error): void
}

/**
 * A Store inside the test, driven by the test's clock, that can be away, silent, wiped or out of space. Leases that end do so when `expire` (called by
 * every operation) finds them past their time.
 */
export class MemoryStore implements Store {
  revision = 1n
  clusterId = '1'
  term = 2n
  /** Why every call fails at the moment. */
  failing: FairleadError | undefined
  /** Why leases and puts are refused at the moment. */
  refusing: FairleadError | undefined
  /** Whether keepalives stay unanswered. */
  mute = false
  readonly entries = new Map<string, Entry>()
  readonly leases = new Map<bigint, Lease>()
  readonly calls: string[] = []
  readonly #clock: Clock
  readonly #watchers = new Set<Watcher>()
  readonly #streams = new Set<KeepAliveHandlers>()
  #nextLease = 100n

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many keepalive streams are open. */
  get openStreams(): number {
    return this.#streams.size
  }

  /** Fails every call and breaks every stream until `up`. Leases do not run out meanwhile, as in etcd. */
  down(): void {
    this.failing = new FairleadError('UNAVAILABLE', 'the store is down')
    this.breakStreams()
  }

  up(): void {
    this.failing = undefined
    this.#prolongLeases()
  }

  /** Moves the leadership so fast that no stream notices. */
  changeLeader(): void {
    this.term++
    this.#prolongLeases()
  }

  breakStreams(): void {
    const error = new FairleadError('UNAVAILABLE', 'the stream broke')
    for (const stream of [...this.#streams]) {
      this.#streams.delete(stream)
      stream.onEnd(error)
    }
    for (const watcher of [...this.#watchers]) watcher.fail(error)
  }

  /** Starts from nothing, as after the loss of the data directory. */
  wipe(): void {
    this.entries.clear()
    this.leases.clear()
    this.revision = 1n
    this.breakStreams()
  }

  /** Remembers what there is. The returned function brings it back, as a restored snapshot does, and breaks the streams. */
  snapshot(): () => void {
    const [revision, entries] = [this.revision, [...this.entries]]
    const leases = [...this.leases].map(([id, { ttlSeconds }]) => [id, ttlSeconds] as const)
    return () => {
      this.entries.clear()
      this.leases.clear()
      this.revision = revision
      for (const [key, entry] of entries) this.entries.set(key, entry)
      for (const [id, ttlSeconds] of leases) this.leases.set(id, { ttlSeconds, expiresAt: 0 })
      this.#prolongLeases()
      this.breakStreams()
    }
  }

  text(key: string): string | undefined {
    return this.entries.get(key)?.value.toString()
  }

  async put(key: string, value: string, lease = 0n): Promise<void> {
    await this.txn({ then: [{ type: 'put', key, value, lease }] })
  }

  async delete(key: string): Promise<void> {
    await this.txn({ then: [{ type: 'delete', key }] })
  }

  async get(key: string) {
    await this.#answer('get')
    return { ...this.#header(), entry: this.entries.get(key) }
  }

  async list(prefix: string) {
    await this.#answer('list')
    const entries = [...this.entries.values()].filter((entry) => entry.key.startsWith(prefix))
    return { ...this.#header(), entries: entries.sort((a, b) => (a.key < b.key ? -1 : 1)) }
  }

  async *watch(prefixes: readonly string[], _from: bigint, signal: AbortSignal): AsyncIterable<WatchBatch> {
    await this.#answer('watch')
    const queue: (WatchBatch | Error)[] = [{ ...this.#header(), events: [], next: this.revision + 1n }]
    let wake = () => {}
    const add = (item: WatchBatch | Error) => {
      queue.push(item)
      wake()
    }
    const watcher: Watcher = { prefixes, push: add, fail: add }
    this.#watchers.add(watcher)
    const onAbort = () => wake()
    signal.addEventListener('abort', onAbort)
    try {
      while (!signal.aborted) {
        const item = queue.shift()
        if (item instanceof Error) throw item
        if (item) yield item
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      this.#watchers.delete(watcher)
      signal.removeEventListener('abort', onAbort)
    }
  }

  async txn(transaction: Transaction, _options?: CallOptions): Promise<TransactionResult> {
    await this.#answer('txn')
    const succeeded = (transaction.when ?? []).every((condition) => this.#holds(condition))
    const operations = succeeded ? transaction.then : (transaction.otherwise ?? [])
    for (const op of operations) {
      if (op.type !== 'put') continue
      if (this.refusing) throw this.refusing
      if (op.lease && !this.leases.has(op.lease)) throw new FairleadError('NOT_FOUND', 'no such lease')
    }
    return { ...this.#apply(operations), succeeded }
  }

  async grantLease(ttlSeconds: number) {
    await this.#answer('grant')
    if (this.refusing) throw this.refusing
    const id = this.#nextLease++
    this.leases.set(id, { ttlSeconds, expiresAt: this.#clock.now() + ttlSeconds * 1000 })
    return { id, ttlSeconds }
  }

  async revokeLease(id: bigint) {
    await this.#answer('revoke')
    this.#end(id)
  }

  async leaseInfo(id: bigint) {
    await this.#answer('leaseInfo')
    const lease = this.leases.get(id)
    if (!lease) return undefined
    const remainingSeconds = Math.floor((lease.expiresAt - this.#clock.now()) / 1000)
    return { id, ttlSeconds: lease.ttlSeconds, remainingSeconds, term: this.term }
  }

  openKeepAlive(handlers: KeepAliveHandlers) {
    this.calls.push('openKeepAlive')
    this.#streams.add(handlers)
    if (this.failing) queueMicrotask(() => this.#streams.delete(handlers) && handlers.onEnd(this.failing!))
    return {
      send: (id: bigint) =>
        queueMicrotask(() => {
          this.calls.push('keepalive')
          if (this.mute || this.failing || !this.#streams.has(handlers)) return
          this.expire()
          const lease = this.leases.get(id)
          if (lease) lease.expiresAt = this.#clock.now() + lease.ttlSeconds * 1000
          handlers.onAnswer(id, lease?.ttlSeconds ?? 0)
        }),
      close: () => void this.#streams.delete(handlers),
      abandon: () => {
        this.calls.push('abandon')
        this.#streams.delete(handlers)
      },
    }
  }

  members() {
    return Promise.resolve([])
  }

  close() {
    this.breakStreams()
    return Promise.resolve()
  }

  /** Ends the leases that are past their time. */
  expire(): void {
    if (this.failing) return
    for (const [id, lease] of [...this.leases]) if (lease.expiresAt <= this.#clock.now()) this.#end(id)
  }

  #prolongLeases(): void {
    for (const lease of this.leases.values()) lease.expiresAt = this.#clock.now() + lease.ttlSeconds * 1000
  }

  #end(id: bigint): void {
    if (!this.leases.delete(id)) return
    const keys = [...this.entries.values()].filter((entry) => entry.lease === id).map((entry) => entry.key)
    if (keys.length > 0) this.#apply(keys.map((key) => ({ type: 'delete', key })))
  }

  async #answer(call: string): Promise<void> {
    this.calls.push(call)
    await Promise.resolve()
    if (this.failing) throw this.failing
    this.expire()
  }

  #header() {
    return { revision: this.revision, clusterId: this.clusterId }
  }

  #holds(condition: Condition): boolean {
    const entry = this.entries.get(condition.key)
    if (condition.target === 'value') throw new Error('not needed')
    const actual = entry?.[condition.target] ?? 0n
    const { value, is } = condition
    return is === '=' ? actual === value : is === '!=' ? actual !== value : is === '<' ? actual < value : actual > value
  }

  #apply(operations: readonly Operation[]) {
    const revision = this.revision + 1n
    const events: StoreEvent[] = []
    const results: Entry[][] = []
    for (const op of operations) {
      const { key } = op
      const old = this.entries.get(key)
      results.push(op.type === 'get' && old ? [old] : [])
      if (op.type === 'put') {
        const entry: Entry = {
          key,
          value: Buffer.from(op.value),
          lease: op.lease ?? 0n,
          modRevision: revision,
          createRevision: old?.createRevision ?? revision,
          version: (old?.version ?? 0n) + 1n,
        }
        this.entries.set(key, entry)
        events.push({ type: 'put', entry })
      } else if (op.type === 'delete' && this.entries.delete(key)) {
        events.push({ type: 'delete', key, modRevision: revision })
      }
    }
    if (events.length > 0) this.revision = revision
    for (const watcher of this.#watchers) {
      const mine = events.filter((event) => {
        const key = event.type === 'put' ? event.entry.key : event.key
        return watcher.prefixes.some((prefix) => key.startsWith(prefix))
      })
      if (mine.length > 0) watcher.push({ ...this.#header(), events: mine, next: this.revision + 1n })
    }
    return { ...this.#header(), results }
  }
}
