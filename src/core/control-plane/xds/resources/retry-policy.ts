import type { RetryPolicy } from '../../../balancer/call-config.js'
import { GRPC_STATUS_NAMES } from '../../../balancer/grpc-status-names.js'
import { durationOf } from '../../../protos/duration.js'

/** The status codes that xDS can have calls tried again for (gRFC A44). */
const EXPRESSIBLE = ['CANCELLED', 'DEADLINE_EXCEEDED', 'INTERNAL', 'RESOURCE_EXHAUSTED', 'UNAVAILABLE']

/**
 * How calls are tried again, as the field of a route. Nothing where no status code of the policy can be said. The backoff doubles,
 * whatever its multiplier: xDS has none (gRFC A44).
 */
export function retryPolicyOf(policy: RetryPolicy | undefined): object {
  if (!policy) return {}
  const names = [...policy.retryable]
    .map((code) => GRPC_STATUS_NAMES[code]!)
    .filter((name) => EXPRESSIBLE.includes(name))
  if (names.length === 0) return {}
  const { maxAttempts, initialBackoffMs, maxBackoffMs } = policy
  return {
    retry_policy: {
      retry_on: names.map((name) => name.toLowerCase().replace('_', '-')).join(','),
      num_retries: { value: maxAttempts - 1 },
      retry_back_off: {
        base_interval: durationOf(initialBackoffMs),
        max_interval: durationOf(Math.max(initialBackoffMs, maxBackoffMs)),
      },
    },
  }
}
