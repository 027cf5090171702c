/**
 * A field of a protobuf message that holds a message or text: its tag, its length and its bytes, which are those of `parts` one after the
 * other. Messages are put together of such fields: "if multiple instances of an embedded message field are parsed, their repeated fields
 * are concatenated" (protobuf, "Encoding"), so what stays the same need not be serialised again.
 *
 * @param field 1 to 15
 */
export function lengthDelimited(field: number, parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(length)]), ...parts])
}

/** Seven bits a byte, the lowest first; all but the last have the highest bit set. */
function varint(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 128)
  }
}
