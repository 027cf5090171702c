import { viewOf, type WordBuffer } from './word-buffer.js'

/** From here on a bulk copy is cheaper than words. */
const WORDS_AT_MOST = 512
/** Below this a loop over bytes is as cheap as a bulk copy. */
const BYTES_AT_MOST = 48

/**
 * Copies `length` bytes of `from` at `offset` to `position`; `to` must have SLACK bytes beyond their end, which are
 * overwritten. A bulk copy has a price of about 100 ns however short, so short pieces of word buffers go by words.
 */
export function copyShort(
  from: Buffer,
  offset: number,
  length: number,
  to: Buffer,
  toView: DataView,
  position: number,
): void {
  const view = viewOf(from)
  if (view !== undefined && length <= WORDS_AT_MOST) copyWords(view, offset, length, toView, position)
  else if (length > BYTES_AT_MOST) from.copy(to, position, offset, offset + length)
  else for (let i = 0; i < length; i++) to[position + i] = from[offset + i]!
}

/** As `copyShort`, into a word buffer. */
export function copyInto(to: WordBuffer, position: number, from: Buffer, offset: number, length: number): void {
  copyShort(from, offset, length, to, to.view, position)
}

/** Copies by words whatever the length: both must have SLACK bytes beyond the end. */
export function copyWords(from: DataView, offset: number, length: number, to: DataView, position: number): void {
  for (let done = 0; done < length; done += 8) {
    to.setInt32(position + done, from.getInt32(offset + done, true), true)
    to.setInt32(position + done + 4, from.getInt32(offset + done + 4, true), true)
  }
}
