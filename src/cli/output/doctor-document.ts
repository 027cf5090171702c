import type { Diagnosis } from '../../core/doctor/diagnose.js'
import { type Finding, REGISTRY_CHECKS, SERVICE_CHECKS, type Severity } from '../../core/doctor/finding.js'
import type { FairleadError } from '../../core/errors.js'
import { groupBy } from '../../core/model/group-by.js'
import type { Color, Document, JsonObject } from './document.js'
import { type JunitCase, type JunitSuite, junitXml } from './junit.js'

const COLORS: Readonly<Record<Severity, Color>> = { error: 'red', warning: 'yellow', info: 'dim' }
const NAME = 'fairlead doctor'

/** The answer of `doctor`. */
export function doctorDocument(diagnosis: Diagnosis): Document {
  const { members, latency, permitted, services, endpoints, findings } = diagnosis
  const json: JsonObject = {
    members: members.map(({ error, ...status }) => ({ ...status, error: error?.message })),
    latency: { readMs: rounded(latency.readMs), writeMs: rounded(latency.writeMs) },
    permitted,
    services: services.length,
    endpoints,
    findings,
  }
  return {
    json,
    ndjson: findings.map((finding) => ({ ...finding })),
    table: {
      columns: ['severity', 'subject', 'what', 'fix'],
      rows: findings.map(({ severity, subject, what, fix }) => [
        { text: severity, color: COLORS[severity] },
        subject,
        what,
        fix,
      ]),
      empty: 'nothing is wrong',
    },
  }
}

/** One line about all that was looked at. */
export function doctorSummary({ members, latency, permitted, services, endpoints, findings }: Diagnosis): string {
  const answering = members.filter(({ error }) => error === undefined).length
  const writes = latency.writeMs === undefined ? '' : `, a write ${latency.writeMs.toFixed(1)} ms`
  const may = permitted.write === false ? ' (the user may not write)' : ''
  const errors = findings.filter(({ severity }) => severity === 'error').length
  return [
    `registry endpoints answering: ${answering} of ${members.length}`,
    `reading took ${latency.readMs.toFixed(1)} ms${writes}${may}`,
    `services: ${services.length}, endpoints: ${endpoints}`,
    `findings: ${findings.length}, errors: ${errors}`,
  ].join('; ')
}

/** As a JUnit report: what was looked at as test cases, errors as failures, everything less as output. */
export function doctorJunit({ services, findings }: Diagnosis): string {
  const byService = groupBy(findings, ({ service }) => service)
  const own = (service: string | undefined) => byService.get(service) ?? []
  const registry = REGISTRY_CHECKS.map((check) =>
    testCase(
      check,
      findings.filter((finding) => finding.check === check),
    ),
  )
  // Findings about all services together concern the registry.
  const general = SERVICE_CHECKS.map((check) =>
    testCase(
      check,
      own(undefined).filter((each) => each.check === check),
    ),
  )
  return junitXml(NAME, [
    { name: 'registry', cases: [...registry, ...general.filter(({ remarks }) => remarks.length > 0)] },
    ...services.map((service): JunitSuite => {
      const found = own(service)
      const cases = SERVICE_CHECKS.map((check) =>
        testCase(
          check,
          found.filter((each) => each.check === check),
        ),
      )
      return { name: service, cases }
    }),
  ])
}

/** The report where nothing could be looked at. */
export function failedJunit({ message, hint }: FairleadError): string {
  const failure = hint === undefined ? message : `${message} (${hint})`
  return junitXml(NAME, [{ name: 'registry', cases: [{ name: 'members', failures: [failure], remarks: [] }] }])
}

function testCase(name: string, findings: readonly Finding[]): JunitCase {
  const text = ({ subject, what, fix }: Finding) => `${subject} ${what}; ${fix}`
  return {
    name,
    failures: findings.filter(({ severity }) => severity === 'error').map(text),
    remarks: findings.filter(({ severity }) => severity !== 'error').map((each) => `${each.severity}: ${text(each)}`),
  }
}

function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 10) / 10
}
