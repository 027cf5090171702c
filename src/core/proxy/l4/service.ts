import type { Arrival, ConnectionService } from '../service/connection-service.js'
import type { ServiceContext } from '../service/context.js'
import type { Wire } from '../transport/transport.js'
import { Connection } from './connection.js'

/** Balances connections: each is spliced to one endpoint. */
export class TcpService implements ConnectionService {
  readonly #context: ServiceContext
  readonly #connections = new Set<Connection>()

  constructor(context: ServiceContext) {
    this.#context = context
  }

  get active(): number {
    return this.#connections.size
  }

  accept(wire: Wire, arrival: Arrival): void {
    const connection = new Connection(wire, arrival, this.#context, this)
    this.#connections.add(connection)
    connection.start()
  }

  update(): void {}

  /** Open connections end by themselves: what is in them is not known here. */
  drain(): void {}

  abort(): void {
    for (const connection of this.#connections) connection.abort()
  }

  connectionOver(connection: Connection): void {
    this.#connections.delete(connection)
    this.#context.closed()
  }
}
