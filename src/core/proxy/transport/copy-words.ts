import { READ_BUFFER, READ_VIEW } from './static-read.js'

/** From here on a bulk copy is cheaper than words. */
const WORDS_AT_MOST = 512

/**
 * Copies `length` bytes of `from` at `offset` to `position`; `to` must have SLACK bytes beyond their end, which are
 * overwritten. A bulk copy has a price of about 100 ns however short, so short pieces of what was just read go by words.
 */
export function copyShort(
  from: Buffer,
  offset: number,
  length: number,
  to: Buffer,
  toView: DataView,
  position: number,
): void {
  if (length > WORDS_AT_MOST || from !== READ_BUFFER) return copyPlain(from, offset, length, to, position)
  copyWords(READ_VIEW, offset, length, toView, position)
}

/** As `copyShort`, with both views at hand: `from` too must have SLACK bytes beyond the end. */
export function copyWords(from: DataView, offset: number, length: number, to: DataView, position: number): void {
  for (let done = 0; done < length; done += 8) {
    to.setInt32(position + done, from.getInt32(offset + done, true), true)
    to.setInt32(position + done + 4, from.getInt32(offset + done + 4, true), true)
  }
}

/** Below this a loop over bytes is as cheap as a bulk copy. */
const BYTES_AT_MOST = 48

function copyPlain(from: Buffer, offset: number, length: number, to: Buffer, position: number): void {
  if (length > BYTES_AT_MOST) {
    from.copy(to, position, offset, offset + length)
    return
  }
  for (let i = 0; i < length; i++) to[position + i] = from[offset + i]!
}
