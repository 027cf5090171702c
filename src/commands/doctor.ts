import { Args } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import type { Color } from '../cli/output/document.js'
import { type Diagnosis, diagnose } from '../core/doctor/diagnose.js'
import type { Severity } from '../core/doctor/finding.js'

const COLORS: Readonly<Record<Severity, Color>> = { error: 'red', warning: 'yellow', info: 'dim' }

export default class Doctor extends BaseCommand<typeof Doctor> {
  static override summary = 'Say what is wrong, and what to do about it'
  static override description = `Looks at every member of the registry, at every record and service config (or those of SERVICE), at their leases,
and connects once to every endpoint that is not in maintenance. It changes nothing. Exits 1 if it found an error.`
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor web --json']
  static override args = { service: Args.string({ description: 'the service to look at; default: all' }) }

  async run() {
    const { prefix, signal, runtime } = this
    const diagnosis = await diagnose(await this.store(), { prefix, service: this.args.service, signal }, runtime)
    const { findings, services, endpoints } = diagnosis
    await this.print({
      json: { members: diagnosis.members.map(memberJson), services, endpoints, findings },
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
    })
    const errors = findings.filter(({ severity }) => severity === 'error').length
    const answering = diagnosis.members.filter(({ error }) => error === undefined).length
    this.note(
      `registry endpoints answering: ${answering} of ${diagnosis.members.length}; services: ${services}, endpoints: ${endpoints}; ` +
        `findings: ${findings.length}, errors: ${errors}`,
    )
    return errors > 0 ? 1 : 0
  }
}

function memberJson({ error, ...status }: Diagnosis['members'][number]) {
  return { ...status, ...(error === undefined ? {} : { error: error.message }) }
}
