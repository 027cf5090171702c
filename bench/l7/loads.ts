import { type Drive, type Driven, h2load, unique, wrk } from './drivers.js'

/** A load, what it costs per unit, and what that may be beside HAProxy. */
export interface Load {
  readonly name: string
  readonly protocol: 'grpc' | 'http'
  readonly backend: keyof typeof BACKENDS
  readonly connections: number
  readonly streams: number
  /** Requests of a round. */
  readonly requests: number
  /** What the CPU time is divided by: of these a request has so many. */
  readonly units: number
  readonly unit: string
  readonly goal?: number
  drive(drive: Drive): Promise<Driven>
}

/** Arguments of the backends' scripts. */
export const BACKENDS = {
  unary: ['backend.mjs', '1', '13'],
  streaming: ['backend.mjs', '32', '16384'],
  http1: ['http1-backend.mjs'],
} as const

/** What a backend answers a request with. A message has a prefix of five bytes. */
export function bodyBytes(backend: 'unary' | 'streaming'): number {
  const [, messages, bytes] = BACKENDS[backend]
  return Number(messages) * (5 + Number(bytes))
}

/** What a gRPC client gives a stream, and a connection: 64 KiB and 1 MiB. */
const WINDOWS = ['-w16', '-W20']

const unary = { protocol: 'grpc', backend: 'unary', units: 1, unit: 'µs/call' } as const

export const LOADS: readonly Load[] = [
  {
    ...unary,
    name: '8×32',
    connections: 8,
    streams: 32,
    requests: 60_000,
    goal: 0.45,
    drive: (drive) => h2load(drive),
  },
  {
    ...unary,
    name: '1×100',
    connections: 1,
    streams: 100,
    requests: 60_000,
    goal: 0.35,
    drive: (drive) => h2load(drive),
  },
  { ...unary, name: '64×1', connections: 64, streams: 1, requests: 60_000, goal: 1.2, drive: (drive) => h2load(drive) },
  {
    ...unary,
    name: '8×32 unique heads',
    connections: 8,
    streams: 32,
    requests: 60_000,
    goal: 0.6,
    drive: (drive) => unique(drive, bodyBytes('unary')),
  },
  {
    name: 'HTTP/1.1 64×1',
    protocol: 'http',
    backend: 'http1',
    connections: 64,
    streams: 1,
    requests: 75_000,
    units: 1,
    unit: 'µs/request',
    goal: 1.2,
    drive: wrk,
  },
  {
    name: 'streaming 16 KiB',
    protocol: 'grpc',
    backend: 'streaming',
    connections: 8,
    streams: 4,
    requests: 1_920,
    units: Number(BACKENDS.streaming[1]),
    unit: 'µs/message',
    goal: 0.6,
    drive: (drive) => h2load(drive, WINDOWS),
  },
]
