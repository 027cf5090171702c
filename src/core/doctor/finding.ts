/** Something that is wrong, or may be: what it is, and what to do about it. Texts may quote the registry. */
export interface Finding {
  /** `error`: traffic or registrations suffer now. `warning`: they may soon. `info`: worth knowing. */
  readonly severity: Severity
  /** What it is about: an endpoint of the registry, a service, a key, an address. */
  readonly subject: string
  readonly what: string
  readonly fix: string
}

const SEVERITIES = ['error', 'warning', 'info'] as const
export type Severity = (typeof SEVERITIES)[number]

/** The worst first; the order within a severity is kept. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  return SEVERITIES.flatMap((severity) => findings.filter((finding) => finding.severity === severity))
}
