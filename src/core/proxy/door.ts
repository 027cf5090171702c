import { FairleadError } from '../errors.js'
import type { Acceptor, AcceptObserver, Transport, Wire } from './transport/transport.js'

/** A bound address, and who its connections go to. Can pass from one listener to the next without a gap. */
export class Door implements AcceptObserver {
  #owner: AcceptObserver
  #acceptor: Acceptor | undefined

  private constructor(owner: AcceptObserver) {
    this.#owner = owner
  }

  /** Begins to accept. Rejects with ADDRESS_IN_USE, PERMISSION_DENIED or INVALID_ARGUMENT. */
  static async open(transport: Transport, host: string, port: number, owner: AcceptObserver): Promise<Door> {
    const door = new Door(owner)
    door.#acceptor = await transport.listen(host, port, door)
    return door
  }

  /** The address that is bound, with its real port. */
  get address(): { readonly host: string; readonly port: number } {
    if (!this.#acceptor) throw new FairleadError('INTERNAL', 'the door is not open')
    return this.#acceptor
  }

  /** Every connection from now on is `owner`'s. */
  passTo(owner: AcceptObserver): void {
    this.#owner = owner
  }

  accepted(wire: Wire): void {
    this.#owner.accepted(wire)
  }

  acceptFailed(error: Error): void {
    this.#owner.acceptFailed(error)
  }

  /** Accepts nothing any more. Idempotent. */
  close(): void {
    this.#acceptor?.close()
  }
}
