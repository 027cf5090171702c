import { Command, type Interfaces } from '@oclif/core'
import type { FairleadError } from '../core/errors.js'
import type { Store } from '../core/registry/store.js'
import { type Runtime, systemClock, systemRandom } from '../core/runtime.js'
import { wantsAnnotations } from './annotate/flag.js'
import type { GithubAnnotations } from './annotate/github.js'
import type { AnnotationLevel } from './annotate/workflow-command.js'
import { commonFlags } from './common-flags.js'
import type { Stderr } from './log.js'
import { chalkFor } from './output/color.js'
import type { Document, JsonObject } from './output/document.js'
import { Printer } from './output/printer.js'
import { commandError, errorJson, errorText, wantsJson } from './report-error.js'
import { resolveSettings, type Settings } from './settings.js'
import { openStderr } from './stderr.js'
import { signalStatus, Stop, type StopCause } from './stop.js'

export type CommandFlags<T extends typeof Command> = Interfaces.InferredFlags<typeof commonFlags & T['flags']>
export type CommandArgs<T extends typeof Command> = Interfaces.InferredArgs<T['args']>

/**
 * The base of every command. A command declares what it takes and, in `run`, calls one core function and prints:
 *
 *     export default class Services extends BaseCommand<typeof Services> {
 *       static override summary = 'List the services'
 *       static override examples = ['<%= config.bin %> services -o plain']
 *
 *       async run() {
 *         const services = await listServices(await this.store(), { prefix: this.settings.prefix, signal: this.signal })
 *         await this.print({ json: { services }, table: { columns: ['service'], rows: … }, plain: … })
 *       }
 *     }
 *
 * - `this.flags`, `this.args`: parsed; common flags are in `this.settings`, weighed up with environment and config file.
 * - `this.signal`: aborts on the first SIGINT or SIGTERM and when stdout is closed; `this.stopCause` says which. A second
 *   signal ends the process at once.
 * - `this.store()`: the registry, opened on the first call and closed after `run`.
 * - `this.runtime`: clock, chance and a logger to stderr.
 * - `this.print(document)`, `this.emit(event, line)`: data to stdout in the format asked for. `this.note(text)`: one line to stderr.
 *   `this.annotate(level, subject, message)`: an annotation, where the command has `annotateFlag` and it is set.
 * - `run` returns the exit status (nothing: 0) and fails by throwing; FairleadError carries hint and status.
 */
export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override baseFlags = commonFlags

  /** A command that runs until it is told to: being stopped is then its success, status 0. */
  static longRunning = false

  /** Whether words after `--` are a command to run: they are then in `childCommand`, in order, and not parsed. */
  static takesChildCommand = false

  protected flags!: CommandFlags<T>
  protected args!: CommandArgs<T>
  protected settings!: Settings
  protected runtime!: Runtime
  /** The words after the first `--`; undefined without one. */
  protected childCommand: readonly string[] | undefined

  #printer: Printer | undefined
  #stderr: Stderr | undefined
  #annotations: GithubAnnotations | undefined
  #store: Promise<Store> | undefined
  readonly #stop = new Stop(process.stdout, process.stderr)

  /** The command's work. Returns the exit status (nothing: 0). */
  abstract override run(): Promise<number> | Promise<void>

  protected get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Why `signal` aborted; undefined while it has not. */
  protected get stopCause(): StopCause | undefined {
    return this.#stop.cause
  }

  protected get prefix(): string {
    return this.settings.prefix
  }

  /** The registry of the settings, connected lazily. Throws INVALID_ARGUMENT for bad connection settings. */
  protected store(): Promise<Store> {
    this.#store ??= import('./connection.js').then(({ openStore }) => openStore(this.settings, this.runtime))
    return this.#store
  }

  /** Prints the answer, and adds its table to the summary where --annotate asks for that. Resolves when stdout has room again. */
  protected async print(document: Document): Promise<void> {
    const { table } = document
    if (table?.rows.length === 0 && table.empty !== undefined && this.#printer!.tabular) this.note(table.empty)
    await this.#printer!.print(document)
    await this.summarize(document)
  }

  /** Adds the table of an answer to the summary of the step in CI, if --annotate was given. `print` does. */
  protected async summarize({ table }: Document): Promise<void> {
    if (table === undefined) return
    const heading = [this.config.bin, ...(this.id ?? '').split(':'), ...this.argv].join(' ')
    await this.#annotations?.summarize(heading, table).catch((error: Error) => {
      this.note(`the summary of the step could not be written: ${error.message}`)
    })
  }

  /** Whether the answer is a table for people. */
  protected get isTabular(): boolean {
    return this.#printer!.tabular
  }

  /** Tells of an error beside an answer that is printed all the same. Returns its exit status. */
  protected tellFailure(error: FairleadError): number {
    this.note(error.hint === undefined ? error.message : `${error.message} (${error.hint})`)
    this.#annotateError(error)
    return error.exitCode
  }

  /** Tells CI of something, if --annotate was given. `subject` is what it is about, for the title. */
  protected annotate(level: AnnotationLevel, subject: string, message: string): void {
    this.#annotations?.tell(level, `${this.config.bin} ${this.id}: ${subject}`, message)
  }

  /**
   * Prints one item of a stream: a JSON line with `-o ndjson` or `json`, a YAML document with `yaml`, else `line` (nothing
   * without one). Resolves when stdout has room again.
   */
  protected emit(event: JsonObject, line?: string): Promise<void> {
    return this.#printer!.emit(event, line)
  }

  /** Tells people something: one line on stderr, unsafe characters written out. */
  protected note(text: string): void {
    this.#stderr!.note(text)
  }

  /** The whole life of a command: parse, run, report, close. Sets the exit status; never throws. */
  protected override async _run<R>(): Promise<R> {
    process.exitCode = await this.#lifecycle()
    return undefined as R
  }

  async #lifecycle(): Promise<number> {
    try {
      await this.#prepare()
      return (await this.run()) ?? 0
    } catch (error) {
      return this.#stoppedStatus(error) ?? this.#report(commandError(error))
    } finally {
      const store = await this.#store?.catch(() => undefined)
      await store?.close()
    }
  }

  async #prepare(): Promise<void> {
    const { flags, args, strict, baseFlags, takesChildCommand } = this.ctor as unknown as typeof BaseCommand
    let argv = this.argv
    const separator = takesChildCommand ? argv.indexOf('--') : -1
    if (separator >= 0) {
      // oclif's parser sorts the words after `--` by value; a child command needs them in order.
      this.childCommand = argv.slice(separator + 1)
      argv = argv.slice(0, separator)
    }
    if (wantsAnnotations(argv)) this.#annotations = await githubAnnotations()
    const parsed = await this.parse({ flags, args, strict, baseFlags }, argv)
    this.flags = parsed.flags as CommandFlags<T>
    this.args = parsed.args as CommandArgs<T>
    this.settings = await resolveSettings(parsed.flags, process.env)
    const { output, noColor, logLevel, logFormat } = this.settings
    this.#printer = new Printer(output, chalkFor(process.stdout, noColor, process.env), process.stdout)
    const chalk = chalkFor(process.stderr, noColor, process.env)
    this.#stderr = await openStderr({ level: logLevel, format: logFormat, chalk })
    this.runtime = { clock: systemClock, random: systemRandom, log: this.#stderr.log }
  }

  /** The status where being stopped is what ended the command; undefined for every other error. */
  #stoppedStatus(error: unknown): number | undefined {
    const cause = this.#stop.cause
    if (cause === undefined || !isAbort(error, this.signal)) return undefined
    if (cause === 'stdout closed' || (this.ctor as unknown as typeof BaseCommand).longRunning) return 0
    return signalStatus(cause)
  }

  #annotateError({ code, message, hint }: FairleadError): void {
    this.annotate('error', code, hint === undefined ? message : `${message}\n${hint}`)
  }

  #report(error: FairleadError): number {
    if (this.#stderr) this.#stderr.failure(error)
    else process.stderr.write(errorText(error, chalkFor(process.stderr, this.argv.includes('--no-color'), process.env)))
    if (this.#printer?.structured ?? wantsJson(this.argv, process.env)) process.stdout.write(errorJson(error))
    this.#annotateError(error)
    if (error.code === 'INTERNAL') this.runtime?.log.debug(error.stack ?? error.message, { cause: error.cause })
    return error.exitCode
  }
}

async function githubAnnotations(): Promise<GithubAnnotations> {
  const { GithubAnnotations } = await import('./annotate/github.js')
  return new GithubAnnotations({
    summaryFile: process.env.GITHUB_STEP_SUMMARY || undefined,
    writeLine: (line) => void process.stderr.write(`${line}\n`),
  })
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  if (error === signal.reason) return true
  return error instanceof Error && (error.name === 'AbortError' || ('code' in error && error.code === 'ABORTED'))
}
