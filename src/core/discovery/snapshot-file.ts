import { constants } from 'node:fs'
import { access, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { FairleadError } from '../errors.js'
import type { Snapshot } from '../model/snapshot.js'
import type { Runtime } from '../runtime.js'
import { startFromKnown } from './known-start.js'
import type { Resolver } from './resolution.js'
import { decodeSnapshots, encodeSnapshots } from './snapshot-document.js'

export interface SnapshotFileOptions {
  readonly path: string
  /** Prefix of the registry's keys: a file written for another one is not used. */
  readonly prefix: string
  /** The least time between two writes, milliseconds. Default 1,000. */
  readonly writeIntervalMs?: number
}

const MAX_BYTES = 256 * 1024 * 1024

/**
 * Opens a file that remembers the last snapshot of each service, so that a data plane can start while the registry is away. A file that does not
 * exist yet is written with the first snapshot; one that cannot be used is reported to the log and replaced then. Throws INVALID_ARGUMENT
 * if its directory cannot be written to.
 */
export async function openSnapshotFile(options: SnapshotFileOptions, runtime: Runtime): Promise<SnapshotFile> {
  const { path, prefix } = options
  await access(dirname(path), constants.W_OK).catch((cause: unknown) => {
    throw new FairleadError(
      'INVALID_ARGUMENT',
      `snapshot file ${path} cannot be written: ${(cause as Error).message}`,
      {
        hint: 'name a file in a directory that exists and that this user may write to',
        cause,
      },
    )
  })
  return new SnapshotFile(options, await readSnapshots(path, prefix, runtime), runtime)
}

async function readSnapshots(path: string, prefix: string, runtime: Runtime): Promise<ReadonlyMap<string, Snapshot>> {
  try {
    const { size } = await stat(path)
    if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`)
    return decodeSnapshots(prefix, await readFile(path, 'utf8'))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') runtime.log.warn('the snapshot file is not used', { path, reason: message })
    return new Map()
  }
}

/** The last snapshot of each service, in memory and on disk. */
export class SnapshotFile {
  readonly #path: string
  readonly #prefix: string
  readonly #intervalMs: number
  readonly #runtime: Runtime
  readonly #snapshots: Map<string, Snapshot>
  #lastWrite = -Infinity
  #cancel: (() => void) | undefined
  #writing: Promise<void> = Promise.resolve()
  #isClosed = false

  /** Use openSnapshotFile. */
  constructor(options: SnapshotFileOptions, snapshots: ReadonlyMap<string, Snapshot>, runtime: Runtime) {
    this.#path = options.path
    this.#prefix = options.prefix
    this.#intervalMs = options.writeIntervalMs ?? 1000
    this.#snapshots = new Map(snapshots)
    this.#runtime = runtime
  }

  get(service: string): Snapshot | undefined {
    return this.#snapshots.get(service)
  }

  /** The services that something is remembered of. */
  get services(): readonly string[] {
    return [...this.#snapshots.keys()]
  }

  /** `resolver`, but starting from what the file remembers, as stale, while the registry does not answer. */
  startingFrom(resolver: Resolver): Resolver {
    return {
      resolve: (service, signal) =>
        startFromKnown(resolver.resolve(service, signal), () => this.get(service), this.#runtime),
    }
  }

  /** Remembers a snapshot, and writes it before long. Of a service that does not exist nothing is kept. */
  save(snapshot: Snapshot): void {
    const { service, endpoints, serviceConfig } = snapshot
    const known = this.#snapshots.get(service)
    if (known?.endpoints === endpoints && known.serviceConfig === serviceConfig) return
    if (endpoints.length > 0 || serviceConfig !== undefined) this.#snapshots.set(service, snapshot)
    else if (!this.#snapshots.delete(service)) return
    if (this.#cancel || this.#isClosed) return
    const { clock } = this.#runtime
    const wait = Math.max(0, this.#lastWrite + this.#intervalMs - clock.now())
    this.#cancel = clock.after(wait, () => this.#flush(), { keepAlive: false })
  }

  /** Writes what is not written yet. Idempotent; never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#cancel) this.#flush()
    await this.#writing
  }

  #flush(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#lastWrite = this.#runtime.clock.now()
    const text = encodeSnapshots(this.#prefix, this.#snapshots.values())
    this.#writing = this.#writing
      .then(() => replaceFile(this.#path, text))
      .catch((error: unknown) => {
        this.#runtime.log.warn('the snapshot file could not be written', {
          path: this.#path,
          reason: (error as Error).message,
        })
      })
  }
}

/** Readers find the old text or the new one, whole, whenever the process or the machine stops. Only this user can read it. */
async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  await rm(temporary, { force: true })
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
