export interface Duration {
  readonly seconds: number
  readonly nanos: number
}

/** Milliseconds as `google.protobuf.Duration`. */
export function duration(ms: number): Duration {
  const seconds = Math.floor(ms / 1000)
  return { seconds, nanos: Math.round((ms - seconds * 1000) * 1e6) }
}
