import { type EmbeddedRegistryOptions, startEmbeddedRegistry } from './core/registry/embedded/index.js'
import { systemRuntime } from './core/runtime.js'

/** Where the registry listens and how much history it keeps. */
export type StartRegistryOptions = EmbeddedRegistryOptions

/** A running registry of a test's own. */
export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`: what to give to fairlead, etcdctl or any etcd client as its endpoint. */
  readonly endpoint: string
  /** The port it listens on, 1–65535. */
  readonly port: number
  /** Ends every call and stream and stops listening; the state is gone. Idempotent. */
  close(): Promise<void>
}

/**
 * Starts an etcd-compatible registry in memory, on a free loopback port unless `listen` says otherwise: one cluster
 * member of its own, empty, without authentication. Give it back with close(), or `await using`.
 *
 * @throws FairleadError ADDRESS_IN_USE where the port is taken, INVALID_ARGUMENT for a bad address
 */
export async function startRegistry(options: StartRegistryOptions = {}): Promise<TestRegistry> {
  const { endpoint, port, close } = await startEmbeddedRegistry(options, systemRuntime)
  return { endpoint, port, close, [Symbol.asyncDispose]: close }
}
