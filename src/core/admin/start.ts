import type { Server } from 'node:http'
import { chmod } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { FairleadError } from '../errors.js'
import { formatHostPort } from '../model/address.js'
import type { Runtime } from '../runtime.js'
import { type AdminAddress, checkExposure } from './exposure.js'
import { type Channel, digest } from './http/access.js'
import { EventStreams } from './http/event-streams.js'
import type { Route } from './http/route.js'
import { routesOf } from './http/routes.js'
import { createAdminServer } from './http/server.js'
import { prepareSocketPath } from './runtime-folder.js'
import type { AdminSource } from './source.js'

export interface AdminOptions {
  /** What actions over TCP, and everything beyond loopback, must show. */
  readonly token?: string | undefined
}

/** What shows and controls a running process. */
export interface Admin {
  /** Listens on TCP. Resolves with the URL. Rejects with ADDRESS_IN_USE, PERMISSION_DENIED and INVALID_ARGUMENT. */
  listen(address: AdminAddress): Promise<string>
  /**
   * Listens on a socket of mode 0600 in the first of the folders that can be had for this user alone. Resolves with its
   * path.
   */
  listenLocally(folders: readonly string[], name: string): Promise<string>
  /** The process is coming to its end: it is not ready any more. */
  drain(): void
  /** Ends every connection and stops listening. Idempotent. */
  close(): Promise<void>
}

/** Shows `source`, and closes it in the end. Nothing listens yet. */
export function createAdmin(source: AdminSource, options: AdminOptions, runtime: Runtime): Admin {
  return new RunningAdmin(source, options, runtime)
}

class RunningAdmin implements Admin {
  readonly #token: Buffer | undefined
  readonly #source: AdminSource
  readonly #streams: EventStreams
  readonly #routes: ReadonlyMap<string, Route>
  readonly #servers = new Set<Server>()

  constructor(source: AdminSource, { token }: AdminOptions, runtime: Runtime) {
    this.#token = token === undefined ? undefined : digest(token)
    this.#source = source
    this.#streams = new EventStreams(source.events, runtime.clock)
    this.#routes = routesOf(source, (response, recent) => this.#streams.open(response, recent))
  }

  async listen(address: AdminAddress): Promise<string> {
    const { host, port } = address
    checkExposure(address, this.#token !== undefined)
    const server = await this.#open({ kind: 'tcp', host, token: this.#token }, { host, port })
    const bound = server.address() as AddressInfo
    return `http://${formatHostPort(host, bound.port)}`
  }

  async listenLocally(folders: readonly string[], name: string): Promise<string> {
    const path = await prepareSocketPath(folders, name)
    await this.#open({ kind: 'socket' }, { path })
    // The folder is this user's alone, so nobody came in before.
    await chmod(path, 0o600)
    return path
  }

  drain(): void {
    this.#source.drain()
  }

  async close(): Promise<void> {
    this.#source.close()
    this.#streams.close()
    const closed = Array.from(this.#servers, (server) => new Promise((resolve) => server.close(resolve)))
    for (const server of this.#servers) server.closeAllConnections()
    this.#servers.clear()
    await Promise.all(closed)
  }

  async #open(channel: Channel, place: { host: string; port: number } | { path: string }): Promise<Server> {
    const server = createAdminServer(channel, this.#routes)
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, place)))
      server.listen(place, resolve)
    })
    server.on('error', () => {})
    this.#servers.add(server)
    return server
  }
}

function listenError(error: NodeJS.ErrnoException, place: { host: string; port: number } | { path: string }) {
  const where = 'path' in place ? place.path : formatHostPort(place.host, place.port)
  const options = { cause: error }
  switch (error.code) {
    case 'EADDRINUSE':
      return new FairleadError('ADDRESS_IN_USE', `admin: ${where} is in use`, {
        ...options,
        hint: 'choose another port',
      })
    case 'EACCES':
      return new FairleadError('PERMISSION_DENIED', `admin: not allowed to listen on ${where}`, options)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new FairleadError('INVALID_ARGUMENT', `admin: ${where} is no address of this machine`, options)
    default:
      return new FairleadError('INTERNAL', `admin: cannot listen on ${where}: ${error.message}`, options)
  }
}
