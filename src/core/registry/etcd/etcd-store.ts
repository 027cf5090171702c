import type { Runtime } from '../../runtime.js'
import type {
  CallOptions,
  GrantedLease,
  KeepAliveHandlers,
  KeepAliveStream,
  LeaseInfo,
  ListOptions,
  Listing,
  MemberStatus,
  Reading,
  Store,
  Transaction,
  TransactionResult,
  WatchBatch,
} from '../store.js'
import { Cluster, type OpenStream } from './cluster.js'
import { fromTransaction, rangeEnd, rangeStart, toEntry, toHeader, toTransactionResult } from './codec.js'
import { fromError } from './errors.js'
import { KeepAlive } from './keep-alive.js'
import { listAll } from './list.js'
import { askMembers } from './members.js'
import type { EtcdConfig } from './options.js'
import { watchOver } from './watch.js'

/** How long a watch may be quiet before it is asked for a sign of life, milliseconds. */
const QUIET_WATCH_MS = 10_000

/** The Store on an etcd cluster. */
export class EtcdStore implements Store {
  readonly #cluster: Cluster
  readonly #runtime: Runtime
  readonly #commandTimeoutMs: number

  constructor(config: EtcdConfig, runtime: Runtime) {
    this.#cluster = new Cluster(config, runtime)
    this.#runtime = runtime
    this.#commandTimeoutMs = config.commandTimeoutMs
  }

  async get(key: string, options: CallOptions = {}): Promise<Reading> {
    const response = await this.#cluster.call('range', { key: Buffer.from(key) }, { ...options, repeatable: true })
    const kv = response.kvs[0]
    return { ...toHeader(response.header), entry: kv && toEntry(kv) }
  }

  async list(prefix: string, options: ListOptions = {}): Promise<Listing> {
    const { clock } = this.#runtime
    const end = clock.now() + (options.timeoutMs ?? this.#commandTimeoutMs)
    return listAll(prefix, options.keysOnly ?? false, (request) =>
      this.#cluster.call('range', request, { ...options, timeoutMs: end - clock.now(), repeatable: true }),
    )
  }

  async *watch(prefixes: readonly string[], from: bigint, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    const cluster = this.#cluster
    try {
      // A watch that bears an expired login is refused without the chance of a new one, as a read is not.
      if (cluster.login) await this.#touch(prefixes[0] ?? '', signal)
      const opened = await cluster.openStream('watch', signal)
      const cancel = () => opened.stream.cancel()
      const signals = [signal, cluster.closing]
      for (const each of signals) each.addEventListener('abort', cancel)
      if (signals.some(({ aborted }) => aborted)) cancel()
      try {
        const times = { answerMs: this.#commandTimeoutMs, quietMs: QUIET_WATCH_MS }
        yield* watchOver(opened.stream, prefixes, from, this.#runtime.clock, times)
      } catch (error) {
        throw cluster.streamFailure(opened, error)
      } finally {
        for (const each of signals) each.removeEventListener('abort', cancel)
      }
    } catch (error) {
      if (signal.aborted) return
      throw cluster.closing.aborted ? cluster.closing.reason : fromError(error)
    }
  }

  async txn(transaction: Transaction, options: CallOptions = {}): Promise<TransactionResult> {
    const { then, otherwise = [] } = transaction
    const repeatable = [...then, ...otherwise].every(({ type }) => type === 'get')
    return toTransactionResult(
      await this.#cluster.call('txn', fromTransaction(transaction), { ...options, repeatable }),
    )
  }

  async grantLease(ttlSeconds: number, options: CallOptions & { readonly id?: bigint } = {}): Promise<GrantedLease> {
    const { id = 0n, ...rest } = options
    const { ID, TTL } = await this.#cluster.call('leaseGrant', { TTL: String(ttlSeconds), ID: String(id) }, rest)
    return { id: BigInt(ID), ttlSeconds: Number(TTL) }
  }

  async revokeLease(id: bigint, options: CallOptions = {}): Promise<void> {
    try {
      await this.#cluster.call('leaseRevoke', { ID: String(id) }, { ...options, repeatable: true })
    } catch (error) {
      const failure = fromError(error)
      if (failure.code !== 'NOT_FOUND') throw failure
    }
  }

  async leaseInfo(id: bigint, options: CallOptions = {}): Promise<LeaseInfo | undefined> {
    const request = { ID: String(id), keys: false }
    const response = await this.#cluster.call('leaseTimeToLive', request, { ...options, repeatable: true })
    const remainingSeconds = Number(response.TTL)
    // 0 is the last second of a lease, -1 that there is none.
    if (remainingSeconds < 0) return undefined
    const term = BigInt(response.header.raft_term)
    return { id, ttlSeconds: Number(response.grantedTTL), remainingSeconds, term }
  }

  openKeepAlive(handlers: KeepAliveHandlers): KeepAliveStream {
    const cluster = this.#cluster
    let opened: OpenStream<'leaseKeepAlive'> | undefined
    const open = async () => {
      opened = await cluster.openStream('leaseKeepAlive')
      const { stream } = opened
      const cancel = () => stream.cancel()
      cluster.closing.addEventListener('abort', cancel)
      if (cluster.closing.aborted) cancel()
      stream.on('close', () => cluster.closing.removeEventListener('abort', cancel))
      return stream
    }
    const onEnd = (error: Error) => {
      const failure = opened ? cluster.streamFailure(opened, error) : fromError(error)
      handlers.onEnd(cluster.closing.aborted ? cluster.closing.reason : failure)
    }
    const onAnswer = (id: bigint, ttlSeconds: number) => handlers.onAnswer(id, ttlSeconds)
    const keepAlive = new KeepAlive(open, { onAnswer, onEnd }, this.#runtime.clock, this.#commandTimeoutMs)
    return {
      send: (id) => keepAlive.send(id),
      close: () => keepAlive.close(),
      abandon: () => {
        keepAlive.close()
        if (opened) cluster.unanswered(opened.connection)
      },
    }
  }

  members(options: CallOptions = {}): Promise<readonly MemberStatus[]> {
    return askMembers(this.#cluster, this.#runtime.clock, options)
  }

  close(): Promise<void> {
    this.#cluster.close()
    return Promise.resolve()
  }

  /** The cheapest read the registry checks a login for. */
  async #touch(prefix: string, signal: AbortSignal): Promise<void> {
    const request = {
      key: rangeStart(prefix),
      range_end: rangeEnd(prefix),
      limit: '1',
      keys_only: true,
      serializable: true,
    }
    await this.#cluster.call('range', request, { signal, repeatable: true })
  }
}
