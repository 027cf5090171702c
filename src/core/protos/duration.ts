/** `google.protobuf.Duration`, and `Timestamp`, which has the same fields. Reading gives seconds as decimal text; writing takes either. */
export interface Duration {
  readonly seconds: number | string
  readonly nanos: number
}

/** Milliseconds, not negative, as protobuf writes a length of time. "from 0 to 999,999,999 inclusive" (timestamp.proto, of nanos) */
export function durationOf(ms: number): Duration {
  const seconds = Math.floor(ms / 1000)
  const nanos = Math.round((ms - seconds * 1000) * 1e6)
  return nanos < 1e9 ? { seconds, nanos } : { seconds: seconds + 1, nanos: 0 }
}

/** In milliseconds; 0 where there is none, or none that counts. */
export function millisecondsOf(duration: Duration | null | undefined): number {
  if (!duration) return 0
  const ms = Number(duration.seconds) * 1000 + duration.nanos / 1e6
  return Number.isFinite(ms) && ms > 0 ? ms : 0
}
