/** Something that is wrong, or may be: what it is, and what to do about it. Texts may quote the registry. */
export interface Finding {
  /** `error`: traffic or registrations suffer now. `warning`: they may soon. `info`: worth knowing. */
  readonly severity: Severity
  /** What was looked at. */
  readonly check: RegistryCheck | ServiceCheck
  /** The service that it concerns; absent where it concerns the registry. */
  readonly service?: string
  /** What it is about: an endpoint of the registry, a service, a key, an address. */
  readonly subject: string
  readonly what: string
  readonly fix: string
}

/**
 * What is looked at once. `members`: reachability, health, version and size; `latency`: how long requests take; `read`, `write`: what the
 * user may do; `keys`: whether everything below the prefix means something; `presence`: whether anything is registered.
 */
export const REGISTRY_CHECKS = ['members', 'latency', 'read', 'write', 'keys', 'presence'] as const
export type RegistryCheck = (typeof REGISTRY_CHECKS)[number]

/**
 * What is looked at for each service. `records`: readable; `duplicates`: no address or id twice; `traffic`: somebody takes some;
 * `config`: understood; `leases`: renewed, `ports`: answering.
 */
export const SERVICE_CHECKS = ['records', 'duplicates', 'traffic', 'config', 'leases', 'ports'] as const
export type ServiceCheck = (typeof SERVICE_CHECKS)[number]

const SEVERITIES = ['error', 'warning', 'info'] as const
export type Severity = (typeof SEVERITIES)[number]

/** The worst first; the order within a severity is kept. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  return SEVERITIES.flatMap((severity) => findings.filter((finding) => finding.severity === severity))
}
