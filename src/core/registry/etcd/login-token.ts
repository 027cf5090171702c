import type { Connection } from './connection.js'
import { isStaleToken, type RpcStatus, Status, statusOf } from './errors.js'

/**
 * The token a user and password were exchanged for, shared by all calls of a store. Tokens hold on every member, and
 * are exchanged again when one is found to be stale.
 */
export class LoginToken {
  readonly #authenticate: (connection: Connection) => Promise<string>
  #current: Promise<string | undefined> | undefined
  #token: string | undefined

  constructor(authenticate: (connection: Connection) => Promise<string>) {
    this.#authenticate = authenticate
  }

  /** The token, from a login over `connection` if there is none yet; undefined where the registry asks for no login. */
  get(connection: Connection): Promise<string | undefined> {
    this.#current ??= this.#login(connection)
    return this.#current
  }

  /** Makes the next call log in again, unless another one already did since `token` was used. */
  discard(token: string | undefined): void {
    if (token === this.#token) this.#current = undefined
  }

  /** Whether a call that ended with `status` may succeed with a new token. */
  isStale(status: RpcStatus | undefined): boolean {
    return isStaleToken(status) || /etcdserver: user name is empty/.test(status?.details ?? '')
  }

  async #login(connection: Connection): Promise<string | undefined> {
    try {
      this.#token = await this.#authenticate(connection)
    } catch (error) {
      const code = statusOf(error)?.code
      if (code !== Status.FAILED_PRECONDITION && code !== Status.UNIMPLEMENTED) {
        this.#current = undefined
        throw error
      }
      // "authentication is not enabled": the credentials are not needed here, as etcd's own client has it.
      this.#token = undefined
    }
    return this.#token
  }
}
