import { type ProxiedAddresses, ProxyHeaderError } from '../proxy-protocol/header.js'
import { ProxyHeaderReader } from '../proxy-protocol/reader.js'
import type { Perishable, Ticker } from '../ticker.js'
import type { Wire, WireReceiver } from '../transport/transport.js'

/** How long a trusted peer may take for its PROXY header, milliseconds. */
const TIMEOUT_MS = 2000

export interface HeaderOwner {
  /** The header is complete. `rest` is what followed it at once. The wire is paused. */
  headerRead(addresses: ProxiedAddresses | undefined, rest: Buffer): void
  /** There is no valid header, in time. The wire is still open, unless the peer closed it. */
  headerFailed(reason: string): void
}

/** The stage of a connection in which it owes us a PROXY header. Calls its owner once, unless cancelled first. */
export class ProxyHeaderPhase implements WireReceiver, Perishable {
  readonly deadline: number
  readonly #wire: Wire
  readonly #ticker: Ticker
  readonly #owner: HeaderOwner
  readonly #reader = new ProxyHeaderReader()

  /** Takes over the wire and begins to read. */
  constructor(wire: Wire, ticker: Ticker, owner: HeaderOwner) {
    this.#wire = wire
    this.#ticker = ticker
    this.#owner = owner
    this.deadline = ticker.in(TIMEOUT_MS)
    ticker.watch(this)
    wire.receiver = this
    wire.resume()
  }

  cancel(): void {
    this.#ticker.unwatch(this)
  }

  onData(bytes: Buffer, length: number): void {
    const piece = bytes.subarray(0, length)
    let found
    try {
      found = this.#reader.push(piece)
    } catch (error) {
      if (!(error instanceof ProxyHeaderError)) throw error
      return this.#fail(error.message)
    }
    if (!found) return
    this.cancel()
    this.#wire.pause()
    this.#owner.headerRead(found.header.addresses, Buffer.from(piece.subarray(found.consumed)))
  }

  onEnd(): void {
    this.#fail('the connection ended before its PROXY header did')
  }

  onDrain(): void {}

  onClose(): void {
    this.#fail('the connection was closed before its PROXY header was complete')
  }

  expire(): void {
    this.#fail(`no complete PROXY header within ${TIMEOUT_MS / 1000} s`)
  }

  #fail(reason: string): void {
    this.cancel()
    this.#owner.headerFailed(reason)
  }
}
