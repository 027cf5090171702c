import { DEFAULT_LIMITS, type HttpEnvironment, type HttpLimits } from '../../src/core/proxy/http/environment.js'
import { Ticker } from '../../src/core/proxy/ticker.js'
import { Flusher } from '../../src/core/proxy/transport/flusher.js'
import { type Clock, systemClock } from '../../src/core/runtime.js'
import { ManualClock } from './manual-clock.js'

/** What HTTP connections share, in real time. */
export function realEnvironment(limits: Partial<HttpLimits> = {}): HttpEnvironment {
  return environmentOf(systemClock, limits)
}

export interface ManualEnvironment extends HttpEnvironment {
  readonly clock: ManualClock
}

/** The same, in a time that stands still unless `clock` is advanced. */
export function manualEnvironment(limits: Partial<HttpLimits> = {}): ManualEnvironment {
  const clock = new ManualClock()
  return { ...environmentOf(clock, limits), clock }
}

function environmentOf(clock: Clock, limits: Partial<HttpLimits>): HttpEnvironment {
  return { ticker: new Ticker(clock), flusher: new Flusher(), limits: { ...DEFAULT_LIMITS, ...limits } }
}
