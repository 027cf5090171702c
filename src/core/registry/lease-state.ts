/*
 * The life of one lease as a pure state machine: events in, the next state and what to do out. It knows time only as numbers and
 * chance only as a number, and holds the rules of renewal:
 *
 * - The TTL that counts is the one granted; it may differ from the one asked for.
 * - A lease is certain until one TTL after the last keepalive that was answered had been SENT. Past that it is uncertain, not gone:
 *   a registry that was down extends its leases, so the same lease is renewed for as long as the registry does not deny it.
 * - It is gone when the registry says so (TTL ≤ 0). Then, and only then, another one is granted.
 * - A stream that leaves a keepalive unanswered is replaced; so is the stream of a process that was stopped for more than half a TTL.
 */

export interface Held {
  readonly kind: 'held'
  readonly id: bigint
  readonly ttlMs: number
  /** Until when the registry keeps the lease for sure. */
  readonly validUntil: number
  readonly certain: boolean
  /** When the next keepalive is to be sent. */
  readonly dueAt: number
  /** When the timer was meant to fire. */
  readonly timerAt: number
  readonly streaming: boolean
  /** Send times of the keepalives that this stream has not answered yet, oldest first. */
  readonly sent: readonly number[]
}

export type LeaseState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'granting' }
  | { readonly kind: 'waiting' }
  | Held
  | { readonly kind: 'ended' }

export type LeaseEvent =
  | { readonly type: 'start' }
  /** `sentAt`: when the request for the grant was sent. */
  | { readonly type: 'granted'; readonly id: bigint; readonly ttlSeconds: number; readonly sentAt: number }
  | { readonly type: 'grant-failed'; readonly refused: boolean }
  /** The wait asked for by `timer` or `retry` is over. */
  | { readonly type: 'timer' }
  | { readonly type: 'stream-opened' }
  | { readonly type: 'stream-ended' }
  | { readonly type: 'answered'; readonly id: bigint; readonly ttlSeconds: number }
  | { readonly type: 'stop' }

export type LeaseAction =
  | { readonly type: 'grant' }
  /** Wait (backing off, slowly where the registry refused) and send `timer`. */
  | { readonly type: 'retry'; readonly refused: boolean }
  /** Send `timer` after this long; replaces the timer set before. */
  | { readonly type: 'timer'; readonly afterMs: number }
  | { readonly type: 'send'; readonly id: bigint }
  /** The stream is mute: open another. */
  | { readonly type: 'reopen' }
  | { readonly type: 'revoke'; readonly id: bigint }
  /** The lease can be used: newly granted, or certain again. */
  | { readonly type: 'held'; readonly id: bigint; readonly ttlMs: number }
  | { readonly type: 'uncertain'; readonly id: bigint }
  | { readonly type: 'gone'; readonly id: bigint }

export interface LeaseStep {
  readonly state: LeaseState
  readonly actions: readonly LeaseAction[]
}

/** How long a keepalive may stay unanswered on a stream, milliseconds. */
const MAX_MUTE_MS = 5000
/** Renewals are sent at a third of the TTL, up to this share of it earlier, so that leases granted together drift apart. */
const RENEWAL_JITTER = 0.2

export const initialLease: LeaseState = { kind: 'idle' }

/** @param now monotonic milliseconds. @param chance uniform in [0, 1). */
export function stepLease(state: LeaseState, event: LeaseEvent, now: number, chance: number): LeaseStep {
  if (event.type === 'stop') return stop(state)
  switch (state.kind) {
    case 'idle':
      return event.type === 'start' ? { state: { kind: 'granting' }, actions: [{ type: 'grant' }] } : stay(state)
    case 'granting':
      if (event.type === 'granted') return granted(event, now, chance)
      if (event.type === 'grant-failed') return retry(event.refused)
      return stay(state)
    case 'waiting':
      return event.type === 'timer' ? { state: { kind: 'granting' }, actions: [{ type: 'grant' }] } : stay(state)
    case 'held':
      return stepHeld(state, event, now, chance)
    case 'ended':
      // A grant that was under way when the lease was stopped must not linger.
      if (event.type === 'granted') return { state, actions: [{ type: 'revoke', id: event.id }] }
      return stay(state)
  }
}

function stepHeld(state: Held, event: LeaseEvent, now: number, chance: number): LeaseStep {
  switch (event.type) {
    case 'stream-opened':
      return send({ ...state, streaming: true, sent: [] }, now, [])
    case 'stream-ended':
      return schedule({ ...state, streaming: false, sent: [] }, now, [])
    case 'answered':
      return answered(state, event.id, event.ttlSeconds * 1000, now, chance)
    case 'timer':
      return timer(state, now)
    default:
      return stay(state)
  }
}

function granted(event: LeaseEvent & { type: 'granted' }, now: number, chance: number): LeaseStep {
  const { id, sentAt } = event
  const ttlMs = event.ttlSeconds * 1000
  const state: Held = {
    kind: 'held',
    id,
    ttlMs,
    validUntil: sentAt + ttlMs,
    certain: true,
    dueAt: renewalAt(sentAt, ttlMs, chance),
    timerAt: now,
    streaming: false,
    sent: [],
  }
  return schedule(state, now, [{ type: 'held', id, ttlMs }])
}

function answered(state: Held, id: bigint, ttlMs: number, now: number, chance: number): LeaseStep {
  if (id !== state.id) return stay(state)
  if (ttlMs <= 0) {
    const { state: next, actions } = retry(false)
    return { state: next, actions: [{ type: 'gone', id }, ...actions] }
  }
  const [sentAt, ...sent] = state.sent
  if (sentAt === undefined) return stay(state)
  const renewed: Held = {
    ...state,
    ttlMs,
    validUntil: sentAt + ttlMs,
    certain: sentAt + ttlMs > now,
    dueAt: renewalAt(sentAt, ttlMs, chance),
    sent,
  }
  return schedule(renewed, now, renewed.certain && !state.certain ? [{ type: 'held', id, ttlMs }] : [])
}

function timer(state: Held, now: number): LeaseStep {
  const actions: LeaseAction[] = []
  let next = state
  if (next.certain && now >= next.validUntil) {
    next = { ...next, certain: false }
    actions.push({ type: 'uncertain', id: next.id })
  }
  const slept = now - next.timerAt > next.ttlMs / 2
  const mute = next.sent.length > 0 && now - next.sent[0]! >= muteAfter(next.ttlMs)
  if (next.streaming && (slept || mute)) {
    // The answer to `reopen` is `stream-opened`, which sends at once.
    return schedule({ ...next, streaming: false, sent: [] }, now, [...actions, { type: 'reopen' }])
  }
  if (next.streaming && next.sent.length === 0 && now >= next.dueAt) return send(next, now, actions)
  return schedule(next, now, actions)
}

function send(state: Held, now: number, actions: readonly LeaseAction[]): LeaseStep {
  return schedule({ ...state, sent: [...state.sent, now] }, now, [...actions, { type: 'send', id: state.id }])
}

/** Sets the timer to whatever comes first: an answer overdue, the next keepalive, the end of certainty. */
function schedule(state: Held, now: number, actions: readonly LeaseAction[]): LeaseStep {
  const times: number[] = []
  if (state.streaming) times.push(state.sent.length > 0 ? state.sent[0]! + muteAfter(state.ttlMs) : state.dueAt)
  if (state.certain) times.push(state.validUntil)
  if (times.length === 0) return { state, actions }
  // Whole milliseconds, upwards: a timer must not find that what it was set for is not quite due.
  const afterMs = Math.ceil(Math.max(0, Math.min(...times) - now))
  return { state: { ...state, timerAt: now + afterMs }, actions: [...actions, { type: 'timer', afterMs }] }
}

function stop(state: LeaseState): LeaseStep {
  const revoke: LeaseAction[] = state.kind === 'held' ? [{ type: 'revoke', id: state.id }] : []
  return { state: { kind: 'ended' }, actions: revoke }
}

function retry(refused: boolean): LeaseStep {
  return { state: { kind: 'waiting' }, actions: [{ type: 'retry', refused }] }
}

function stay(state: LeaseState): LeaseStep {
  return { state, actions: [] }
}

function renewalAt(sentAt: number, ttlMs: number, chance: number): number {
  return sentAt + (ttlMs / 3) * (1 - RENEWAL_JITTER * chance)
}

function muteAfter(ttlMs: number): number {
  return Math.min(ttlMs / 3, MAX_MUTE_MS)
}
