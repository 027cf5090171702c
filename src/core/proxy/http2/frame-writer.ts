import type { Output } from '../transport/output.js'
import { Flag, FRAME_HEADER_BYTES, FRAME_PAYLOAD_BYTES, FrameType } from './constants.js'

/** Writes a frame's header; room for it must have been ensured. */
function writeFrameHeader(output: Output, length: number, type: number, flags: number, id: number): void {
  const at = output.position
  output.view.setInt32(at, (length << 8) | type)
  output.bytes[at + 4] = flags
  output.view.setInt32(at + 5, id)
  output.position = at + FRAME_HEADER_BYTES
}

/** One DATA frame; `length` is at most FRAME_PAYLOAD_BYTES. */
export function writeData(
  output: Output,
  id: number,
  bytes: Buffer,
  offset: number,
  length: number,
  end: boolean,
): void {
  output.ensure(FRAME_HEADER_BYTES + length)
  writeFrameHeader(output, length, FrameType.DATA, end ? Flag.END_STREAM : 0, id)
  output.write(bytes, offset, length)
}

/** Asks for the table size update that goes before a block (RFC 7541 §6.3): our encoder has no use for a table. */
const EMPTY_TABLE = 0x20

/**
 * A header section: `block[0, length)` and the field block `extra` behind it, as HEADERS and as many CONTINUATION frames
 * as it takes. With `emptyTable` the section begins by giving up the encoder's table.
 */
export function writeHeaders(
  output: Output,
  id: number,
  block: Buffer,
  length: number,
  extra: Buffer,
  end: boolean,
  emptyTable: boolean,
): void {
  const flags = end ? Flag.END_STREAM : 0
  const total = length + extra.length + (emptyTable ? 1 : 0)
  if (total > FRAME_PAYLOAD_BYTES) {
    const whole = Buffer.concat([Buffer.of(...(emptyTable ? [EMPTY_TABLE] : [])), block.subarray(0, length), extra])
    return writeLongHeaders(output, id, whole, flags)
  }
  output.ensure(FRAME_HEADER_BYTES + total)
  writeFrameHeader(output, total, FrameType.HEADERS, flags | Flag.END_HEADERS, id)
  if (emptyTable) output.bytes[output.position++] = EMPTY_TABLE
  output.write(block, 0, length)
  if (extra.length > 0) output.write(extra, 0, extra.length)
}

function writeLongHeaders(output: Output, id: number, block: Buffer, flags: number): void {
  for (let at = 0; at < block.length; at += FRAME_PAYLOAD_BYTES) {
    const part = Math.min(FRAME_PAYLOAD_BYTES, block.length - at)
    const last = at + part === block.length ? Flag.END_HEADERS : 0
    output.ensure(FRAME_HEADER_BYTES + part)
    if (at === 0) writeFrameHeader(output, part, FrameType.HEADERS, flags | last, id)
    else writeFrameHeader(output, part, FrameType.CONTINUATION, last, id)
    output.write(block, at, part)
  }
}

export function writeReset(output: Output, id: number, code: number): void {
  writeWord(output, FrameType.RST_STREAM, id, code)
}

export function writeWindowUpdate(output: Output, id: number, increment: number): void {
  writeWord(output, FrameType.WINDOW_UPDATE, id, increment)
}

/** `settings`: pairs of identifier and value. */
export function writeSettings(output: Output, settings: readonly (readonly [id: number, value: number])[]): void {
  output.ensure(FRAME_HEADER_BYTES + 6 * settings.length)
  writeFrameHeader(output, 6 * settings.length, FrameType.SETTINGS, 0, 0)
  for (const [id, value] of settings) {
    output.view.setUint16(output.position, id)
    output.view.setUint32(output.position + 2, value)
    output.position += 6
  }
}

export function writeSettingsAck(output: Output): void {
  output.ensure(FRAME_HEADER_BYTES)
  writeFrameHeader(output, 0, FrameType.SETTINGS, Flag.ACK, 0)
}

/** A PING with the eight octets of `bytes` at `offset`. */
export function writePing(output: Output, bytes: Buffer, offset: number, flags: number): void {
  output.ensure(FRAME_HEADER_BYTES + 8)
  writeFrameHeader(output, 8, FrameType.PING, flags, 0)
  output.write(bytes, offset, 8)
}

/** `reason` is for people who read the other end's logs: ASCII. */
export function writeGoAway(output: Output, lastId: number, code: number, reason: string): void {
  output.ensure(FRAME_HEADER_BYTES + 8 + reason.length)
  writeFrameHeader(output, 8 + reason.length, FrameType.GOAWAY, 0, 0)
  output.view.setInt32(output.position, lastId)
  output.view.setUint32(output.position + 4, code)
  output.position += 8 + output.bytes.write(reason, output.position + 8, 'latin1')
}

function writeWord(output: Output, type: number, id: number, value: number): void {
  output.ensure(FRAME_HEADER_BYTES + 4)
  writeFrameHeader(output, 4, type, 0, id)
  output.view.setUint32(output.position, value)
  output.position += 4
}
