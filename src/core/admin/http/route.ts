import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ProcessState } from '../process.js'
import type { Demand } from './access.js'

export interface Route {
  readonly method: 'GET' | 'POST'
  readonly demand: Demand
  /** What `GET /` says of it. */
  readonly about: string
  answer(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void>
}

/** Who is answered. */
export interface Caller {
  /** Whether and how its channel lets things be changed. */
  readonly actions: ProcessState['actions']
  /** Aborts when it has gone. */
  readonly signal: AbortSignal
}
