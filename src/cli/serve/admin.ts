import { serveAdminSource } from '../../core/admin/serve/admin-source.js'
import type { ServeSource } from '../../core/admin/serve/source.js'
import { type Admin, createAdmin } from '../../core/admin/start.js'
import type { ControlPlane } from '../../core/control-plane/control-plane.js'
import type { ControlPlaneEvent } from '../../core/control-plane/events.js'
import type { ControlPlaneReading } from '../../core/control-plane/reading.js'
import type { Runtime } from '../../core/runtime.js'
import type { AdminConfiguration } from '../admin/configuration.js'
import { openLocalSocket } from '../admin/local-socket.js'

export interface ServeAdminOptions extends AdminConfiguration {
  readonly version: string
  /** The flags of the command that were given. */
  readonly given: Readonly<Record<string, unknown>>
}

/** The admin endpoint of a control plane, from before that starts until after it has ended. */
export class ServeAdmin implements ServeSource {
  /** Where it listens on TCP. */
  url: string | undefined
  readonly #options: ServeAdminOptions
  readonly #runtime: Runtime
  readonly #admin: Admin
  readonly #observers = new Set<(event: ControlPlaneEvent) => void>()
  #controlPlane: ControlPlane | undefined

  private constructor(options: ServeAdminOptions, runtime: Runtime) {
    const { version, token } = options
    this.#options = options
    this.#runtime = runtime
    this.#admin = createAdmin(serveAdminSource(this, { version, pid: process.pid }, runtime), { token }, runtime)
  }

  /** Listens on TCP, where that was asked for. Rejects with ADDRESS_IN_USE, PERMISSION_DENIED or INVALID_ARGUMENT. */
  static async open(options: ServeAdminOptions, runtime: Runtime): Promise<ServeAdmin> {
    const admin = new ServeAdmin(options, runtime)
    if (options.address) admin.url = await admin.#admin.listen(options.address)
    return admin
  }

  /** The control plane runs: there is something to see. */
  async follow(controlPlane: ControlPlane): Promise<void> {
    this.#controlPlane = controlPlane
    if (!this.#options.local) return
    await openLocalSocket(this.#admin, 'serve', controlPlane.listening[0]!, this.#runtime.log)
  }

  tell(event: ControlPlaneEvent): void {
    for (const observer of this.#observers) observer(event)
  }

  drain(): void {
    this.#admin.drain()
  }

  close(): Promise<void> {
    return this.#admin.close()
  }

  read(): ControlPlaneReading | undefined {
    return this.#controlPlane?.read()
  }

  subscribe(observer: (event: ControlPlaneEvent) => void): () => void {
    this.#observers.add(observer)
    return () => void this.#observers.delete(observer)
  }

  configuration(): Readonly<Record<string, unknown>> {
    return { serve: this.#options.given }
  }
}
