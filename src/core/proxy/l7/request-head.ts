import { FieldBlockWriter } from '../http/field-block.js'
import { FieldCursor } from '../http/field-cursor.js'
import type { Head } from '../http/head.js'
import { nameOf } from '../http/names.js'

const GRPC_TIMEOUT = nameOf('grpc-timeout')
const PREVIOUS_ATTEMPTS = nameOf('grpc-previous-rpc-attempts')
/** "TimeoutValue → {positive integer as ASCII string of at most 8 digits}" (gRPC over HTTP/2). */
const MOST_MS = 99_999_999

/**
 * Says in a gRPC request's head how much time is left, whatever it said before, and that it is sent once more than it says
 * ("grpc-previous-rpc-attempts", gRFC A6) if `again`. `timeoutMs` Infinity: no timeout.
 */
export function rewriteCall(head: Head, timeoutMs: number, again: boolean): void {
  const writer = new FieldBlockWriter(head.length + 64)
  const cursor = new FieldCursor().at(head.block, head.length)
  let before = 0
  while (cursor.next()) {
    if (cursor.is(PREVIOUS_ATTEMPTS)) before = Number(cursor.value)
    else if (!cursor.is(GRPC_TIMEOUT)) writer.append(head.block, cursor.start, cursor.end)
  }
  if (timeoutMs !== Infinity) writer.field(GRPC_TIMEOUT, formatTimeout(timeoutMs))
  const attempts = (Number.isSafeInteger(before) && before > 0 ? before : 0) + (again ? 1 : 0)
  if (attempts > 0) writer.field(PREVIOUS_ATTEMPTS, String(attempts))
  head.block = writer.buffer
  head.length = writer.length
  head.timeoutMs = timeoutMs
}

function formatTimeout(ms: number): string {
  const whole = Math.max(1, Math.floor(ms))
  return whole <= MOST_MS ? `${whole}m` : `${Math.min(MOST_MS, Math.floor(whole / 1000))}S`
}
