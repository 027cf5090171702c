import type { LocalSocket } from '../../core/admin/runtime-folder.js'
import { type Clock, sleep } from '../../core/runtime.js'
import type { Source } from '../source.js'

/** Keeps a source for each process of this user that can be looked into: those that come later too. */
export class LocalProxies {
  readonly #find: () => Promise<readonly LocalSocket[]>
  readonly #open: (socket: LocalSocket) => Source
  readonly #clock: Clock
  readonly #stop = new AbortController()
  readonly #sources = new Map<string, Source>()

  readonly #lookMs: number

  /** `lookMs`: between two looks. */
  constructor(
    find: () => Promise<readonly LocalSocket[]>,
    open: (socket: LocalSocket) => Source,
    clock: Clock,
    lookMs = 2000,
  ) {
    this.#lookMs = lookMs
    this.#find = find
    this.#open = open
    this.#clock = clock
  }

  get sources(): readonly Source[] {
    return [...this.#sources.values()]
  }

  /** Looks once, and then goes on looking by itself. Resolves after the first look. */
  async start(): Promise<void> {
    await this.#look()
    void this.#lookOn()
  }

  /** Ends every source. Idempotent. */
  close(): void {
    this.#stop.abort()
    for (const source of this.#sources.values()) source.close()
    this.#sources.clear()
  }

  async #lookOn(): Promise<void> {
    const { signal } = this.#stop
    try {
      for (;;) {
        await sleep(this.#clock, this.#lookMs, signal)
        await this.#look()
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  async #look(): Promise<void> {
    const found = await this.#find()
    if (this.#stop.signal.aborted) return
    const paths = new Set(found.map(({ path }) => path))
    for (const [path, source] of this.#sources) {
      if (paths.has(path)) continue
      source.close()
      this.#sources.delete(path)
    }
    for (const socket of found) if (!this.#sources.has(socket.path)) this.#sources.set(socket.path, this.#open(socket))
  }
}
