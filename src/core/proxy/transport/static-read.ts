import { Socket } from 'node:net'
import { wordBuffer } from './word-buffer.js'

/** Takes `bytes[0, length)`, which are valid until it returns. */
export type ReadCallback = (length: number, bytes: Buffer) => boolean

/**
 * The one buffer that every socket of this process reads into. Allocation, read and callback are a single step of the
 * event loop, so two sockets never share it at one time. Large, because a bulk transfer pays per read.
 */
export const READ_BUFFER = wordBuffer(256 * 1024)

/**
 * Makes an accepted socket that has not begun to read do so into READ_BUFFER. net.connect takes such a buffer publicly
 * (`onread`); for accepted sockets there is no public way, so this sets what that option sets. False where this
 * version of Node keeps it elsewhere: the socket is unchanged then, and 'data' events serve.
 */
export function readStatically(socket: Socket, callback: ReadCallback): boolean {
  if (!symbols) return false
  const handle = (socket as unknown as { _handle?: { useUserBuffer?(buffer: Buffer): void } })._handle
  if (typeof handle?.useUserBuffer !== 'function') return false
  const fields = socket as unknown as Record<symbol, unknown>
  fields[symbols.buffer] = READ_BUFFER
  fields[symbols.callback] = callback
  handle.useUserBuffer(READ_BUFFER)
  return true
}

const symbols = findSymbols()

function findSymbols(): { buffer: symbol; callback: symbol } | undefined {
  const own = Object.getOwnPropertySymbols(new Socket())
  const buffer = own.find((symbol) => symbol.description === 'kBuffer')
  const callback = own.find((symbol) => symbol.description === 'kBufferCb')
  return buffer && callback ? { buffer, callback } : undefined
}
