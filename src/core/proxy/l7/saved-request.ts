import { Head } from '../http/head.js'
import { copyInto, copyShort } from '../transport/copy-words.js'
import { viewOf, type WordBuffer, wordBuffer } from '../transport/word-buffer.js'

/** Beyond this a body is not kept for another attempt. */
export const REPLAY_BYTES = 64 * 1024
/** Kept by all requests together; beyond, requests go without. */
const TOTAL_BYTES = 32 * 1024 * 1024
const FIRST_BODY = 512
const KEEP = 256
/** A block longer than this is not worth keeping allocated. */
const KEEP_BLOCK = 4096

/** A request as far as it has come, for as long as it may have to be sent again, or has not been sent yet. */
export class SavedRequest {
  readonly head = new Head()
  body: WordBuffer = wordBuffer(FIRST_BODY)
  /** The body so far is `body[0, bodyLength)`. */
  bodyLength = 0
  trailers: Head | undefined

  /** Adds to the body, whatever its length. */
  append(bytes: Buffer, offset: number, length: number): void {
    const end = this.bodyLength + length
    if (end > this.body.length) this.#grow(end)
    copyInto(this.body, this.bodyLength, bytes, offset, length)
    this.bodyLength = end
  }

  clear(): void {
    this.head.clear()
    this.bodyLength = 0
    this.trailers = undefined
    if (this.head.block.length > KEEP_BLOCK) this.head.block = wordBuffer(KEEP_BLOCK)
    if (this.body.length > FIRST_BODY) this.body = wordBuffer(FIRST_BODY)
  }

  #grow(length: number): void {
    const grown = wordBuffer(Math.max(2 * this.body.length, length))
    this.body.copy(grown, 0, 0, this.bodyLength)
    this.body = grown
  }
}

/** The saved requests of a listener: used again and again, and bounded together. */
export class SavedRequests {
  readonly #spare: SavedRequest[] = []
  #bytes = 0

  /** Saves a head. */
  save(head: Head): SavedRequest {
    const saved = this.#spare.pop() ?? new SavedRequest()
    copyHead(head, saved.head)
    return saved
  }

  /** Adds to the body of a request. False if it had better be given back: it grew beyond what is kept for a retry. */
  append(saved: SavedRequest, bytes: Buffer, offset: number, length: number): boolean {
    this.#bytes += length
    saved.append(bytes, offset, length)
    return saved.bodyLength <= REPLAY_BYTES && this.#bytes <= TOTAL_BYTES
  }

  give(saved: SavedRequest): void {
    this.#bytes -= saved.bodyLength
    if (this.#spare.length >= KEEP) return
    saved.clear()
    this.#spare.push(saved)
  }
}

/** Makes `to` say what `from` says, in a block of its own. */
export function copyHead(from: Head, to: Head): void {
  const { block, length } = from
  let own = to.block
  if (own.length < length) own = wordBuffer(Math.max(256, 2 * length))
  const view = viewOf(own)
  if (view === undefined) block.copy(own, 0, 0, length)
  else copyShort(block, 0, length, own, view, 0)
  to.share(from)
  to.block = own
}
