/** What the recommendation goes by, in the order in which it is asked for. The words are those of the flags. */
export interface Answers {
  protocol: 'grpc' | 'http' | 'tcp'
  mesh: 'none' | 'envoy' | 'istio'
  clients: 'few' | 'many'
  trust: 'trusted' | 'untrusted'
  traffic: 'low' | 'high'
  latency: 'normal' | 'low'
  language: 'any' | 'node' | 'go' | 'other'
  connections: 'even' | 'varied'
  affinity: 'none' | 'cookie' | 'header' | 'address'
  requests: 'even' | 'uneven'
  servers: 'alike' | 'mixed'
}

export type Topic = keyof Answers

/** What has been said so far. */
export type Said = Readonly<Partial<Record<Topic, string>>>
