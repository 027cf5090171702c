import { findField } from '../http/field-block.js'
import { type Head, Method, type MethodCode } from '../http/head.js'
import { nameOf } from '../http/names.js'
import type { RetryPolicy } from '../../balancer/call-config.js'

const PUSHBACK = nameOf('grpc-retry-pushback-ms')

/** Whether a request may be sent again although it may have been acted on already (RFC 9110 §9.2.2). */
export function isIdempotent(method: MethodCode): boolean {
  switch (method) {
    case Method.GET:
    case Method.HEAD:
    case Method.PUT:
    case Method.DELETE:
    case Method.OPTIONS:
    case Method.TRACE:
      return true
    default:
      return false
  }
}

/** What to wait before retry number `n`, from 1, milliseconds: "random(0.8, 1.2) × min(initialBackoff × multiplier^(n−1), maxBackoff)" (gRFC A6). */
export function backoffMs(policy: RetryPolicy, n: number, random: number): number {
  const bound = Math.min(policy.initialBackoffMs * policy.backoffMultiplier ** (n - 1), policy.maxBackoffMs)
  return bound * (0.8 + 0.4 * random)
}

/**
 * What a server says about a retry in the trailers of a failed call: wait so many milliseconds; -1: do not ("If the value is
 * unparseable or negative, do not retry", gRFC A6); undefined where it says nothing.
 */
export function pushbackMs(trailers: Head): number | undefined {
  const value = findField(trailers.block, trailers.length, PUSHBACK)
  if (value === undefined) return undefined
  return /^\d{1,9}$/.test(value) ? Number(value) : -1
}
