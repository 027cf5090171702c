import type { RetryThrottling } from '../../balancer/call-config.js'

/**
 * "If token_count is less than or equal to the threshold, defined to be (maxTokens / 2), then RPCs will not be retried until
 * token_count rises over the threshold." (gRFC A6). Without a config nothing is throttled.
 */
export class RetryThrottle {
  #maxTokens = 0
  #tokenRatio = 0
  #tokens = 0

  /** Keeps its tokens where the config stays as it was. */
  configure(config: RetryThrottling | undefined): void {
    const maxTokens = config?.maxTokens ?? 0
    if (maxTokens !== this.#maxTokens) this.#tokens = maxTokens
    this.#maxTokens = maxTokens
    this.#tokenRatio = config?.tokenRatio ?? 0
  }

  get allows(): boolean {
    return this.#maxTokens === 0 || this.#tokens > this.#maxTokens / 2
  }

  /** A call failed with a status that may be retried, or the endpoint asked not to retry. */
  failed(): void {
    this.#tokens = Math.max(0, this.#tokens - 1)
  }

  succeeded(): void {
    this.#tokens = Math.min(this.#maxTokens, this.#tokens + this.#tokenRatio)
  }
}
