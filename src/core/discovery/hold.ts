import type { Endpoint } from '../model/endpoint.js'
import { byAddress } from '../model/order.js'
import type { Snapshot } from '../model/snapshot.js'
import type { Runtime } from '../runtime.js'
import { LatestResolution } from './latest.js'
import { relay } from './relay.js'
import type { Resolution } from './resolution.js'
import { Vanished } from './vanished.js'

export interface HoldOptions {
  /** The TTL that the service's registrations have, milliseconds. Default 10,000, as `register` has. */
  readonly ttlMs?: number
}

/** The resolutions of a service as a data plane should see them. */
export interface HeldResolutions extends AsyncIterable<Resolution> {
  /** Addresses of the last snapshot that the registry lists no more. */
  readonly held: ReadonlySet<string>
  /**
   * Tells that an address could not be connected to. If it is only held, it goes at once, with a new snapshot; an address that the
   * registry lists is none of this one's business. Returns whether it was held.
   */
  disprove(address: string): boolean
}

type SnapshotResolution = Extract<Resolution, { kind: 'snapshot' }>

/**
 * Keeps a data plane from being emptied by its registry: when more than half of a service of three or more endpoints vanishes within one
 * TTL without having been taken out on purpose, the vanished stay for one more TTL, or until `disprove`. Removals on purpose pass
 * at once, also where that becomes known only after the removal. While the registry is away nothing is let go. To be iterated once.
 */
export function holdMassExpiry(
  resolutions: AsyncIterable<Resolution>,
  options: HoldOptions,
  runtime: Runtime,
): HeldResolutions {
  const { clock } = runtime
  const vanished = new Vanished(options.ttlMs ?? 10_000)
  const latest = new LatestResolution()
  let last: SnapshotResolution | undefined
  let held: ReadonlySet<string> = new Set()
  let stale: Extract<Resolution, { kind: 'stale' }> | undefined
  let cancelRelease: () => void = () => undefined

  function accept(resolution: Resolution): void {
    if (resolution.kind === 'stale') {
      stale = resolution
      cancelRelease()
      latest.offer(resolution)
      return
    }
    last = resolution
    vanished.update(resolution.snapshot.endpoints, resolution.departed, clock.now())
    if (stale) vanished.extend(clock.now())
    stale = undefined
    publish()
  }

  function publish(): void {
    if (!last) return
    const kept = vanished.held
    if (kept.size > held.size) {
      const { service, endpoints } = last.snapshot
      runtime.log.warn('holding endpoints that expired together', {
        service,
        held: kept.size,
        listed: endpoints.length,
      })
    }
    held = new Set(kept.keys())
    latest.offer({ ...last, snapshot: withHeld(last.snapshot, kept) })
    // The snapshot alone would say that the registry is back.
    if (stale) latest.offer(stale)
    scheduleRelease()
  }

  function scheduleRelease(): void {
    cancelRelease()
    const due = vanished.firstRelease
    if (due === undefined || stale) return
    cancelRelease = clock.after(Math.max(0, due - clock.now()), () => {
      vanished.release(clock.now())
      publish()
    })
  }

  return {
    get held() {
      return held
    },
    disprove(address) {
      const wasHeld = vanished.disprove(address)
      if (wasHeld) publish()
      return wasHeld
    },
    [Symbol.asyncIterator]: () => relay(resolutions, latest, accept, () => cancelRelease()),
  }
}

function withHeld(snapshot: Snapshot, held: ReadonlyMap<string, Endpoint>): Snapshot {
  if (held.size === 0) return snapshot
  const endpoints = [...snapshot.endpoints, ...held.values()].sort(byAddress)
  return Object.freeze({ ...snapshot, endpoints: Object.freeze(endpoints) })
}
