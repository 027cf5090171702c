import type { FairleadError } from '../errors.js'
import type { Endpoint, EndpointRole } from '../model/endpoint.js'
import type { ConflictMode } from './claim.js'
import type { Description } from './description.js'

export interface RegistrationOptions extends Description {
  /** Default a new one. The same id is the same instance, which takes its own address over at once. */
  readonly id?: string
  readonly role?: EndpointRole
  /** Seconds; the registry may raise it. Default that of the registrar. */
  readonly ttlSeconds?: number
  /** Default `wait`. */
  readonly onConflict?: ConflictMode
  /** End as `gave-up` after the record was not known to be in the registry for so long. Default never. */
  readonly giveUpAfterMs?: number
  /** Whether the record is to appear at all before `setVisible(true)`. Default true. */
  readonly visible?: boolean
  /** Called on everything that happens. Must not throw. */
  readonly onEvent?: (event: RegistrationEvent) => void
}

/**
 * `pending`: not in the registry yet. `registered`: there, under a lease known to live. `withdrawn`: taken out until it is made visible again.
 * `lost`: it was there and may be gone; it is being put back. `closed`: over.
 */
export type RegistrationState = 'pending' | 'registered' | 'withdrawn' | 'lost' | 'closed'

export type RegistrationEvent =
  | { readonly type: 'registered'; readonly lease: bigint; readonly ttlSeconds: number }
  | { readonly type: 'withdrawn' }
  | { readonly type: 'lost' }
  /** Somebody else holds the address; we wait for the end of the lease. */
  | { readonly type: 'waiting'; readonly lease: bigint; readonly remainingSeconds: number }
  /** The first failure after a success; it is tried again until it succeeds. */
  | { readonly type: 'retrying'; readonly error: FairleadError }
  | { readonly type: 'ended'; readonly end: RegistrationEnd }

/** How a registration ended. */
export type RegistrationEnd =
  | { readonly how: 'closed' | 'deregistered' }
  /** Codes CONFLICT, LEASE_LOST, and whatever no retry can mend (UNAUTHENTICATED, …). */
  | { readonly how: 'conflict' | 'gave-up' | 'failed'; readonly error: FairleadError }

/** One endpoint kept in the registry for as long as it lives. */
export interface Registration extends AsyncDisposable {
  readonly id: string
  readonly service: string
  readonly address: string
  /** As it is to be in the registry, with what others set there. */
  readonly endpoint: Endpoint
  readonly state: RegistrationState
  /** The lease the record is under, while there is one. */
  readonly lease: bigint | undefined
  /** Resolves when the registration is over. Never rejects. */
  readonly closed: Promise<RegistrationEnd>
  /**
   * Changes the record. Throws INVALID_ARGUMENT at once; resolves when the registry has it, which may take as long as the
   * registry is away; rejects with ABORTED if the registration ends before.
   */
  update(changes: Description): Promise<void>
  /** Takes the record out on purpose (a failing check, say) or lets it appear again. Returns at once. */
  setVisible(visible: boolean): void
  /**
   * Takes the record out on purpose and ends. Never rejects, and is done within seconds even if the registry is away: then the
   * record goes when the registry is back or the lease runs out. Idempotent.
   */
  close(): Promise<void>
}
