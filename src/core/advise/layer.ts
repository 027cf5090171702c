import type { Answers } from './answers.js'

/** What a proxy balances: connections (layer 4) or requests (layer 7). */
export type Layer = 'l4' | 'l7'

export interface LayerAdvice {
  readonly layer: Layer
  readonly why: string
}

/** What the proxy is to balance, and why. */
export function layerOf({ protocol, affinity, connections, latency }: Answers): LayerAdvice {
  if (protocol === 'tcp')
    return { layer: 'l4', why: 'L4: where it is not HTTP, connections are all there is to balance.' }
  if (affinity === 'cookie' || affinity === 'header') {
    return { layer: 'l7', why: 'L7: only who reads requests can go by what is in them.' }
  }
  if (connections === 'varied') {
    return { layer: 'l7', why: 'L7: some connections carry far more than others, so requests are balanced one by one.' }
  }
  if (latency === 'low') {
    return { layer: 'l4', why: 'L4: bytes pass unread, which takes the least time and the least of the processor.' }
  }
  return {
    layer: 'l7',
    why: 'L7: requests are balanced one by one, tried again elsewhere where that is safe, and judged.',
  }
}
