/** How clients' requests went, as they tell it. */
export interface ClientLoad {
  /** Begun. Clients of grpclb count those that are dropped among them, those of xDS do not. */
  readonly requests: number
  readonly failed: number
  /** Never sent to an endpoint. */
  readonly dropped: number
}

/** What clients have told, counted up. */
export class LoadTotal implements ClientLoad {
  requests = 0
  failed = 0
  dropped = 0

  add({ requests, failed, dropped }: ClientLoad): void {
    this.requests += requests
    this.failed += failed
    this.dropped += dropped
  }

  read(): ClientLoad {
    const { requests, failed, dropped } = this
    return { requests, failed, dropped }
  }
}
