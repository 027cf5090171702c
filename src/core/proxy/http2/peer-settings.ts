import { ErrorCode } from '../http/stream.js'
import { FRAME_PAYLOAD_BYTES, INITIAL_TABLE_SIZE, INITIAL_WINDOW, MAX_WINDOW, SettingId } from './constants.js'

/** A SETTINGS frame that may not be. */
export interface SettingsFault {
  readonly code: number
  readonly reason: string
}

const MAX_FRAME_SIZE = 0xff_ffff

/** What the peer has told of itself (RFC 9113 §6.5.2), beginning with the defaults. */
export class PeerSettings {
  initialWindow = INITIAL_WINDOW
  maxConcurrentStreams = Infinity
  tableSize = INITIAL_TABLE_SIZE
  readonly #pushAllowed: boolean

  /** `ofClient`: a server may not send an ENABLE_PUSH other than 0. */
  constructor(ofClient: boolean) {
    this.#pushAllowed = ofClient
  }

  /** Takes over the settings in `bytes[offset, offset + length)`, whole entries, in order; or says what is wrong. */
  apply(bytes: Buffer, offset: number, length: number): SettingsFault | undefined {
    for (let at = offset; at < offset + length; at += 6) {
      const value = bytes.readUInt32BE(at + 2)
      switch (bytes.readUInt16BE(at)) {
        case SettingId.HEADER_TABLE_SIZE:
          this.tableSize = value
          break
        case SettingId.ENABLE_PUSH:
          // "A server MUST NOT explicitly set this value to 1." (RFC 9113 §6.5.2)
          if (value > (this.#pushAllowed ? 1 : 0)) {
            return { code: ErrorCode.PROTOCOL_ERROR, reason: 'invalid SETTINGS_ENABLE_PUSH' }
          }
          break
        case SettingId.MAX_CONCURRENT_STREAMS:
          this.maxConcurrentStreams = value
          break
        case SettingId.INITIAL_WINDOW_SIZE:
          if (value > MAX_WINDOW) {
            return { code: ErrorCode.FLOW_CONTROL_ERROR, reason: 'invalid SETTINGS_INITIAL_WINDOW_SIZE' }
          }
          this.initialWindow = value
          break
        case SettingId.MAX_FRAME_SIZE:
          if (value < FRAME_PAYLOAD_BYTES || value > MAX_FRAME_SIZE) {
            return { code: ErrorCode.PROTOCOL_ERROR, reason: 'invalid SETTINGS_MAX_FRAME_SIZE' }
          }
      }
    }
    return undefined
  }
}
