import { createBalancer } from '../../balancer/balancer.js'
import { choosePolicy } from '../../balancer/service-config.js'
import { FairleadError } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import type { ProxyEvent } from '../events.js'
import type { ProxyOptions } from '../options.js'
import { type Proxy, startProxy } from '../proxy.js'
import {
  type Calls,
  encodeError,
  type FromWorker,
  isMessage,
  type Method,
  METHODS,
  type ToWorker,
  type WorkerConfiguration,
} from './messages.js'
import { RemoteResolver } from './remote-resolver.js'

/** The proxy of one worker process. It does what the primary asks for and tells it everything; it has no life of its own. */
export class ProxyWorker {
  readonly #send: (message: FromWorker) => void
  readonly #runtime: Runtime
  readonly #resolver: RemoteResolver
  #proxy: Proxy | undefined

  /** `send` must neither throw nor block: where the primary is gone, the process is about to end. */
  constructor(send: (message: FromWorker) => void, runtime: Runtime) {
    this.#send = send
    this.#runtime = runtime
    this.#resolver = new RemoteResolver(send, runtime.clock)
  }

  /** Tells the primary that `receive` is called for every message from now on. */
  ready(): void {
    this.#send({ type: 'ready' })
  }

  /** Takes a message of the primary. What is none is dropped. */
  receive(message: unknown): void {
    if (!isMessage(message)) return
    const told = message as ToWorker
    if (told.type === 'resolution') this.#resolver.receive(told.service, told.resolution)
    if (told.type !== 'call' || !METHODS.includes(told.method)) return
    const { id } = told
    this.#answer(told.method, told.argument).then(
      (result) => this.#send({ type: 'answer', id, result }),
      (error: unknown) => this.#send({ type: 'failure', id, error: encodeError(error) }),
    )
  }

  async #answer(method: Method, argument: Calls[Method]): Promise<unknown> {
    if (method === 'start') return this.#start((argument as Calls['start']).configuration)
    const proxy = this.#proxy
    if (!proxy) throw new FairleadError('INTERNAL', `${method} was asked of a worker that was not started`)
    if (method === 'stats') return proxy.stats()
    if (method === 'read') return proxy.read()
    if (method === 'drain') return proxy.drain((argument as Calls['drain']).timeoutMs)
    const { configuration, drainTimeoutMs } = argument as Calls['reload']
    return proxy.reload(this.#options(configuration), drainTimeoutMs)
  }

  async #start(configuration: WorkerConfiguration): Promise<void> {
    const dependencies = { resolver: this.#resolver, createBalancer: () => createBalancer({}, this.#runtime) }
    this.#proxy = await startProxy(this.#options(configuration), dependencies, this.#runtime)
  }

  #options({ options, policy }: WorkerConfiguration): ProxyOptions {
    return {
      ...options,
      ...(policy !== undefined && { policy: choosePolicy(policy) }),
      onEvent: (event: ProxyEvent) => this.#send({ type: 'event', event }),
    }
  }
}
