import type { ControlPlaneEvent } from '../../control-plane/events.js'
import type { ControlPlaneReading } from '../../control-plane/reading.js'

/** A control plane, as its admin endpoint sees it. */
export interface ServeSource {
  /** How it is; undefined while it does not listen yet. */
  read(): ControlPlaneReading | undefined
  /** Calls `observer` for each event from now on. Returns what ends it. */
  subscribe(observer: (event: ControlPlaneEvent) => void): () => void
  /** The configuration in effect, without secrets, as JSON. */
  configuration(): Readonly<Record<string, unknown>>
}
