import type { ServerOptions } from '@grpc/grpc-js'
import { readWhenSent } from './read-when-sent.js'

/**
 * What suits thousands of clients that stay for days. Streams end when their clients go, never by age. A client that is gone without a word,
 * or never says one, is noticed after the sum of both times. Clients may ping as often as they like: Node answers and never minds.
 */
export const SERVER_OPTIONS: ServerOptions = {
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // A program has a few streams for each service that it asks for, and a proxy may put those of many on one connection. It bounds what
  // one that reads nothing has this process keep: a stream's latest list, 300 kB for 10,000 endpoints, beside its window.
  'grpc.max_concurrent_streams': 1000,
  'interceptors': [readWhenSent],
}
