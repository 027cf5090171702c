const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * Whether a text can be written as UTF-8. Half of a pair of UTF-16, as `"\ud800"` in JSON, cannot: of a message of protobuf that has one
 * in a text, readers refuse all.
 */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text)
}
