import { Args, Flags } from '@oclif/core'
import { writeFile } from 'node:fs/promises'
import { annotateFlag } from '../cli/annotate/flag.js'
import { BaseCommand } from '../cli/base-command.js'
import { doctorDocument, doctorJunit, doctorSummary, failedJunit } from '../cli/output/doctor-document.js'
import { type Diagnosis, diagnose } from '../core/doctor/diagnose.js'
import { asFairleadError, FairleadError } from '../core/errors.js'

export default class Doctor extends BaseCommand<typeof Doctor> {
  static override summary = 'Say what is wrong, and what to do about it'
  static override description = `Looks at every member of the registry, how long it takes to answer and what the user may do there; at every record and
service config (or those of SERVICE), at their leases, and connects once to every endpoint that is not in maintenance. It changes
nothing. Exits 1 if it found an error.`
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor web --json',
    'In CI\n<%= config.bin %> doctor --annotate github --junit doctor.xml',
  ]
  static override args = { service: Args.string({ description: 'the service to look at; default: all' }) }
  static override flags = {
    junit: Flags.string({
      helpGroup: 'OUTPUT',
      helpValue: 'FILE|-',
      description: 'also write a JUnit report, of which errors are the failures; - prints it instead of the table',
    }),
    ...annotateFlag,
  }

  async run() {
    this.#refuseTwoAnswers()
    const diagnosis = await this.#diagnose()
    await this.#print(diagnosis)
    this.note(doctorSummary(diagnosis))
    for (const { severity, subject, what, fix } of diagnosis.findings) {
      if (severity !== 'info') this.annotate(severity, subject, `${what}\n${fix}`)
    }
    return diagnosis.findings.some(({ severity }) => severity === 'error') ? 1 : 0
  }

  async #diagnose(): Promise<Diagnosis> {
    const { prefix, signal, runtime } = this
    try {
      return await diagnose(await this.store(), { prefix, service: this.args.service, signal }, runtime)
    } catch (error) {
      if (!signal.aborted) await this.#report(failedJunit(asFairleadError(error)))
      throw error
    }
  }

  async #print(diagnosis: Diagnosis): Promise<void> {
    const document = doctorDocument(diagnosis)
    const { junit } = this.flags
    if (junit !== '-') await this.print(document)
    else await this.summarize(document)
    await this.#report(doctorJunit(diagnosis))
  }

  async #report(xml: string): Promise<void> {
    const { junit } = this.flags
    if (junit === undefined) return
    if (junit === '-') return this.print({ json: {}, text: xml.trimEnd() })
    await writeFile(junit, xml).catch((error: Error) => {
      throw new FairleadError('INVALID_ARGUMENT', `--junit cannot be written: ${error.message}`, { cause: error })
    })
  }

  #refuseTwoAnswers(): void {
    const { output } = this.settings
    if (this.flags.junit !== '-' || ['table', 'wide', 'plain'].includes(output)) return
    throw new FairleadError('INVALID_ARGUMENT', `--junit - and -o ${output} cannot both have stdout`, {
      hint: 'name a file: --junit doctor.xml',
    })
  }
}
