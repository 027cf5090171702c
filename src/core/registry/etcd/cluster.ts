import { Metadata } from '@grpc/grpc-js'
import { setMaxListeners } from 'node:events'
import { FairleadError } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import type { CallOptions } from '../store.js'
import { type Bounds, bounded } from './bounded.js'
import {
  Connection,
  type Request,
  type Response,
  type StreamMethod,
  type Streams,
  type UnaryMethod,
} from './connection.js'
import { dialFirst } from './dial.js'
import { fromError, isTransient, isUnsent, NoAnswer, noEndpoint, reasonOf, statusOf } from './errors.js'
import { LoginToken } from './login-token.js'
import type { EtcdConfig } from './options.js'

/** A registry that is merely slow is not to be burdened with connections; past this time a connection's own pings tell, milliseconds. */
const RENEWAL_INTERVAL_MS = 15_000

export interface RpcOptions extends CallOptions {
  /**
   * Whether asking twice does no harm. If not, another endpoint is tried only where the request surely had no effect.
   */
  readonly repeatable?: boolean
}

export interface OpenStream<M extends StreamMethod> {
  readonly stream: Streams[M]
  readonly connection: Connection
  readonly token: string | undefined
}

/**
 * The registry's endpoints as one: picks one that is up, stays with it for as long as it works, passes over those that
 * do not, and logs in where asked to.
 */
export class Cluster {
  readonly connections: readonly Connection[]
  readonly login: LoginToken | undefined
  readonly #config: EtcdConfig
  readonly #runtime: Runtime
  readonly #closing = new AbortController()
  readonly #renewableAt = new Map<Connection, number>()
  #preferred: number

  constructor(config: EtcdConfig, runtime: Runtime) {
    this.#config = config
    this.#runtime = runtime
    this.connections = config.endpoints.map((endpoint) => new Connection(endpoint, config))
    // Clients spread over the members from the start.
    this.#preferred = Math.floor(runtime.random.next() * this.connections.length)
    const { login } = config
    this.login = login && new LoginToken((connection) => this.#authenticate(connection, login.user, login.password))
    setMaxListeners(0, this.#closing.signal)
  }

  /** Aborts when the cluster is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /**
   * Makes one unary call and answers with its response, trying endpoint after endpoint within the call's time. Fails
   * with a FairleadError.
   */
  async call<M extends UnaryMethod>(method: M, request: Request<M>, options: RpcOptions = {}): Promise<Response<M>> {
    const timeoutMs = options.timeoutMs ?? this.#config.commandTimeoutMs
    const end = this.#runtime.clock.now() + timeoutMs
    const failures = new Map<string, string>()
    let candidates = this.#inOrder()
    const secondTry = new Set<Connection>()
    let newLogin = false
    while (candidates.length > 0) {
      const left = end - this.#runtime.clock.now()
      const connection = await this.#connect(candidates, left, options.signal, failures)
      if (!connection) break
      const share = options.repeatable ? left / candidates.length : left
      let token: string | undefined
      try {
        const bounds = this.#bounds(share, options.signal)
        token = await this.#token(connection, bounds)
        const response = await this.#once(connection, method, request, token, bounds)
        this.#preferred = this.connections.indexOf(connection)
        return response
      } catch (error) {
        const status = statusOf(error)
        if (this.login?.isStale(status) && !newLogin) {
          newLogin = true
          this.login.discard(token)
          continue
        }
        if (!isTransient(error)) throw fromError(error)
        this.#passOver(connection, error)
        failures.set(connection.name, reasonOf(error))
        if (!options.repeatable && !isUnsent(status)) break
        candidates = candidates.filter((candidate) => candidate !== connection)
        // What failed may be an old connection that was cut while nobody used it.
        if (status && !secondTry.has(connection)) candidates = [...candidates, connection]
        secondTry.add(connection)
      }
    }
    throw noEndpoint(failures)
  }

  /** Makes one unary call to one endpoint, within the command timeout. */
  async callOne<M extends UnaryMethod>(
    connection: Connection,
    method: M,
    request: Request<M>,
    options: CallOptions = {},
  ): Promise<Response<M>> {
    const timeoutMs = options.timeoutMs ?? this.#config.commandTimeoutMs
    const failures = new Map<string, string>()
    if (!(await this.#connect([connection], timeoutMs, options.signal, failures))) throw noEndpoint(failures)
    try {
      const bounds = this.#bounds(timeoutMs, options.signal)
      return await this.#once(connection, method, request, await this.#token(connection, bounds), bounds)
    } catch (error) {
      throw fromError(error)
    }
  }

  /** Opens a stream to the first endpoint that is up. Failures of the stream itself are for its reader. */
  async openStream<M extends StreamMethod>(method: M, signal?: AbortSignal): Promise<OpenStream<M>> {
    const failures = new Map<string, string>()
    const { commandTimeoutMs } = this.#config
    const connection = await this.#connect(this.#inOrder(), commandTimeoutMs, signal, failures)
    if (!connection) throw noEndpoint(failures)
    try {
      const token = await this.#token(connection, this.#bounds(commandTimeoutMs, signal))
      const stream = await connection.stream(method, metadataWith(token))
      return { stream, connection, token }
    } catch (error) {
      this.#passOver(connection, error)
      throw fromError(error)
    }
  }

  /**
   * What a stream that ended with `error` fails with. The next stream goes to another endpoint where this one is at
   * fault, and logs in anew where the login has expired.
   */
  streamFailure({ connection, token }: OpenStream<StreamMethod>, error: unknown): FairleadError {
    if (this.login?.isStale(statusOf(error))) {
      this.login.discard(token)
      return new FairleadError('UNAVAILABLE', 'the login to the registry has expired', { cause: error })
    }
    if (isTransient(error)) this.#passOver(connection, error)
    return fromError(error)
  }

  /** Takes note of a connection that leaves what is asked over it unanswered. */
  unanswered(connection: Connection): void {
    const now = this.#runtime.clock.now()
    if (now >= (this.#renewableAt.get(connection) ?? now)) {
      this.#renewableAt.set(connection, now + RENEWAL_INTERVAL_MS)
      connection.renew()
    }
    this.#demote(connection)
  }

  close(): void {
    this.#closing.abort(new FairleadError('ABORTED', 'the registry client is closed'))
    for (const connection of this.connections) connection.close()
  }

  #passOver(connection: Connection, error: unknown): void {
    if (error instanceof NoAnswer) this.unanswered(connection)
    else this.#demote(connection)
  }

  /** Prefers another endpoint from now on. */
  #demote(connection: Connection): void {
    const index = this.connections.indexOf(connection)
    if (index === this.#preferred) this.#preferred = (index + 1) % this.connections.length
  }

  #inOrder(): readonly Connection[] {
    return [...this.connections.slice(this.#preferred), ...this.connections.slice(0, this.#preferred)]
  }

  #bounds(timeoutMs: number, signal: AbortSignal | undefined): Bounds {
    return {
      clock: this.#runtime.clock,
      timeoutMs,
      signals: signal ? [signal, this.closing] : [this.closing],
    }
  }

  /** The first of `candidates` that is connected; undefined, with the reasons in `failures`, if none is in time. */
  async #connect(
    candidates: readonly Connection[],
    timeoutMs: number,
    signal: AbortSignal | undefined,
    failures: Map<string, string>,
  ): Promise<Connection | undefined> {
    const bounds = this.#bounds(timeoutMs, signal)
    return dialFirst(candidates, this.#config.dialTimeoutMs, bounds, failures)
  }

  #once<M extends UnaryMethod>(
    connection: Connection,
    method: M,
    request: Request<M>,
    token: string | undefined,
    bounds: Bounds,
  ): Promise<Response<M>> {
    return bounded<Response<M>>(bounds, (resolve, reject) =>
      connection.unary(method, request, metadataWith(token), resolve, reject),
    )
  }

  async #token(connection: Connection, bounds: Bounds): Promise<string | undefined> {
    const { login } = this
    if (!login) return undefined
    return bounded<string | undefined>(bounds, (resolve, reject) => {
      login.get(connection).then(resolve, reject)
      return () => undefined
    })
  }

  async #authenticate(connection: Connection, name: string, password: string): Promise<string> {
    const bounds = this.#bounds(this.#config.commandTimeoutMs, undefined)
    const { token } = await this.#once(connection, 'authenticate', { name, password }, undefined, bounds)
    return token
  }
}

/** `hasleader` makes a member that lost its cluster refuse, where it would otherwise answer from the past or not at all. */
function metadataWith(token: string | undefined): Metadata {
  const metadata = new Metadata()
  metadata.set('hasleader', 'true')
  if (token !== undefined) metadata.set('token', token)
  return metadata
}
