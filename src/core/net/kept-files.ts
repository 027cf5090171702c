import { readFile } from 'node:fs/promises'
import { asFairleadError, FairleadError } from '../errors.js'
import type { Clock } from '../runtime.js'

/** How often files are looked at, milliseconds. */
export const LOOK_MS = 5000

export interface KeptFilesObserver {
  /** The files changed, and what they say now is in use. */
  replaced(): void
  /** The files changed, and what they say now cannot be used: what was in use stays. Told once for each reason. */
  refused(error: FairleadError): void
}

/**
 * What a few files together are good for, kept up to date. The files are read, not watched: that sees every way of
 * replacing them, the swapped symlinks of Kubernetes and network file systems included. Since they are replaced one after the
 * other, what is wrong with them is told once it is seen twice.
 */
export class KeptFiles<T> {
  readonly #paths: readonly string[]
  readonly #build: (contents: readonly Buffer[]) => T
  readonly #clock: Clock
  readonly #observer: KeptFilesObserver
  #contents: readonly Buffer[]
  #current: T
  #suspected: string | undefined
  #told: string | undefined
  #cancel: () => void = () => {}
  #closed = false

  /** Reads the files for the first time. `build` throws a FairleadError where it cannot use them; opening rejects with that. */
  static async open<T>(
    paths: readonly string[],
    build: (contents: readonly Buffer[]) => T,
    clock: Clock,
    observer: KeptFilesObserver,
  ): Promise<KeptFiles<T>> {
    const contents = await readAll(paths)
    return new KeptFiles(paths, contents, build(contents), build, clock, observer)
  }

  private constructor(
    paths: readonly string[],
    contents: readonly Buffer[],
    current: T,
    build: (contents: readonly Buffer[]) => T,
    clock: Clock,
    observer: KeptFilesObserver,
  ) {
    this.#paths = paths
    this.#contents = contents
    this.#current = current
    this.#build = build
    this.#clock = clock
    this.#observer = observer
    this.#lookLater()
  }

  /** Of the last files that could be used. */
  get current(): T {
    return this.#current
  }

  /** Looks no more. Idempotent. */
  close(): void {
    this.#closed = true
    this.#cancel()
  }

  #lookLater(): void {
    const look = () => void this.#look().then(() => this.#closed || this.#lookLater())
    this.#cancel = this.#clock.after(LOOK_MS, look, { keepAlive: false })
  }

  async #look(): Promise<void> {
    try {
      const contents = await readAll(this.#paths)
      if (this.#closed || sameContents(contents, this.#contents)) return this.#trust()
      const built = this.#build(contents)
      this.#contents = contents
      this.#current = built
      this.#trust()
      this.#observer.replaced()
    } catch (error) {
      if (!this.#closed) this.#doubt(asFairleadError(error))
    }
  }

  #trust(): void {
    this.#suspected = undefined
    this.#told = undefined
  }

  #doubt(error: FairleadError): void {
    const { message } = error
    const lasting = message === this.#suspected
    this.#suspected = message
    if (!lasting || message === this.#told) return
    this.#told = message
    this.#observer.refused(error)
  }
}

function readAll(paths: readonly string[]): Promise<Buffer[]> {
  return Promise.all(
    paths.map((path) => readFile(path).catch((error: Error) => Promise.reject(unreadable(path, error)))),
  )
}

function unreadable(path: string, cause: NodeJS.ErrnoException): FairleadError {
  if (cause.code === 'EACCES' || cause.code === 'EPERM') {
    return new FairleadError('PERMISSION_DENIED', `not allowed to read ${path}`, { cause })
  }
  const reason = cause.code === 'ENOENT' ? 'there is no such file' : cause.message
  return new FairleadError('INVALID_ARGUMENT', `cannot read ${path}: ${reason}`, { cause })
}

function sameContents(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  return a.every((content, i) => content.equals(b[i]!))
}
