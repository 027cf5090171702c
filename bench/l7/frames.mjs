/** What the raw peers of the benchmark share: HTTP/2 frames (RFC 9113 §4.1) read and written on plain buffers. */

export const DATA = 0x0
export const HEADERS = 0x1
export const RST_STREAM = 0x3
export const SETTINGS = 0x4
export const PING = 0x6
export const WINDOW_UPDATE = 0x8
export const END_STREAM = 0x1
export const ACK = 0x1
export const END_HEADERS = 0x4
export const FRAME_HEAD = 9

/** A frame as bytes. */
export function frame(type, flags, id, payload = Buffer.alloc(0)) {
  const bytes = Buffer.alloc(FRAME_HEAD + payload.length)
  writeFrameHead(bytes, 0, payload.length, type, flags, id)
  payload.copy(bytes, FRAME_HEAD)
  return bytes
}

export function writeFrameHead(buffer, at, length, type, flags, id) {
  buffer[at] = length >> 16
  buffer[at + 1] = length >> 8
  buffer[at + 2] = length
  buffer[at + 3] = type
  buffer[at + 4] = flags
  buffer.writeUInt32BE(id, at + 5)
}

/** A WINDOW_UPDATE or RST_STREAM. */
export function numberFrame(type, id, number) {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(number)
  return frame(type, 0, id, payload)
}

/** SETTINGS from pairs of identifier and value. */
export function settingsFrame(pairs) {
  const payload = Buffer.alloc(pairs.length * 6)
  pairs.forEach(([identifier, value], i) => {
    payload.writeUInt16BE(identifier, i * 6)
    payload.writeUInt32BE(value, i * 6 + 2)
  })
  return frame(SETTINGS, 0, 0, payload)
}

/** Identifier and value of every setting in a SETTINGS frame's payload. */
export function settings(buffer, at, length) {
  return Array.from({ length: length / 6 }, (_, i) => [
    buffer.readUInt16BE(at + i * 6),
    buffer.readUInt32BE(at + i * 6 + 2),
  ])
}

/**
 * Cuts what a socket delivers into frames and calls `onFrame(type, flags, id, buffer, at, length)` for each. `skip` bytes are
 * passed over first.
 */
export class FrameReader {
  #skip
  #rest = Buffer.alloc(0)
  #onFrame

  constructor(skip, onFrame) {
    this.#skip = skip
    this.#onFrame = onFrame
  }

  read(chunk) {
    const buffer = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = Math.min(this.#skip, buffer.length)
    this.#skip -= at
    while (buffer.length - at >= FRAME_HEAD) {
      const length = (buffer[at] << 16) | (buffer[at + 1] << 8) | buffer[at + 2]
      const end = at + FRAME_HEAD + length
      if (end > buffer.length) break
      this.#onFrame(
        buffer[at + 3],
        buffer[at + 4],
        buffer.readUInt32BE(at + 5) & 0x7fffffff,
        buffer,
        at + FRAME_HEAD,
        length,
      )
      at = end
    }
    this.#rest = at === buffer.length ? buffer.subarray(0, 0) : Buffer.from(buffer.subarray(at))
  }
}
