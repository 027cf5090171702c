import type { Connection } from './connection.js'
import { isStaleToken, type RpcStatus, Status, statusOf } from './errors.js'

/**
 * The token a user and password were exchanged for, shared by all calls of a store. Tokens hold on every member, and
 * are exchanged again when one is found to be stale.
 */
export class LoginToken {
  readonly #authenticate: (connection: Connection) => Promise<string>
  #current: Login | undefined

  constructor(authenticate: (connection: Connection) => Promise<string>) {
    this.#authenticate = authenticate
  }

  /** The token, from a login over `connection` if there is none yet; undefined where the registry asks for no login. */
  get(connection: Connection): Promise<string | undefined> {
    this.#current ??= new Login(this.#login(connection))
    return this.#current.token
  }

  /** Makes the next call log in again, unless that was done, or is being done, since `token` was given out. */
  discard(token: string | undefined): void {
    if (this.#current?.hasGiven(token)) this.#current = undefined
  }

  /** Whether a call that ended with `status` may succeed with a new token. */
  isStale(status: RpcStatus | undefined): boolean {
    return isStaleToken(status) || /etcdserver: user name is empty/.test(status?.details ?? '')
  }

  async #login(connection: Connection): Promise<string | undefined> {
    try {
      return await this.#authenticate(connection)
    } catch (error) {
      const code = statusOf(error)?.code
      // "authentication is not enabled": the credentials are not needed here, as etcd's own client has it.
      if (code === Status.FAILED_PRECONDITION || code === Status.UNIMPLEMENTED) return undefined
      this.#current = undefined
      throw error
    }
  }
}

/** One exchange of user and password for a token. */
class Login {
  readonly token: Promise<string | undefined>
  #given: { readonly token: string | undefined } | undefined

  constructor(token: Promise<string | undefined>) {
    this.token = token
    token.then(
      (given) => (this.#given = { token: given }),
      () => undefined,
    )
  }

  hasGiven(token: string | undefined): boolean {
    return this.#given !== undefined && this.#given.token === token
  }
}
