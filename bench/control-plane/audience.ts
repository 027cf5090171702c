import type { BenchStream, OpenStream } from './streams.js'

/** Clients of a control plane, and when all of those that ask for a service have heard of a change. */
export class Audience {
  readonly #streams = new Map<string, BenchStream[]>()
  #check = () => {}

  constructor(
    private readonly open: OpenStream,
    private readonly address: string,
  ) {}

  /** Adds so many clients of a service, and resolves when each of them has been told its endpoints. */
  async join(service: string, count: number): Promise<void> {
    const others = this.#streams.get(service) ?? []
    const told = () => this.#check()
    const joining = Array.from({ length: count }, () => this.open(this.address, service, told))
    this.#streams.set(service, [...others, ...joining])
    await this.#until(() => joining.every(({ updates }) => updates > 0))
  }

  /** Milliseconds from the beginning of a change of a service until its last client has been told. */
  async timeToLast(service: string, change: () => Promise<unknown>): Promise<number> {
    const streams = this.#streams.get(service)!
    const before = streams.map(({ updates }) => updates)
    let waiting = streams.length
    const begin = performance.now()
    const changed = change()
    // Looking at all of them for each of their messages would be the slowest part: those that have heard are passed over.
    await this.#until(() => {
      while (waiting > 0 && streams[waiting - 1]!.updates > before[waiting - 1]!) waiting--
      return waiting === 0
    })
    const elapsed = performance.now() - begin
    await changed
    return elapsed
  }

  close(): void {
    for (const stream of [...this.#streams.values()].flat()) stream.close()
    this.#streams.clear()
  }

  #until(isDone: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the clients were not told within 60 s')), 60_000)
      this.#check = () => {
        if (!isDone()) return
        this.#check = () => {}
        clearTimeout(timer)
        resolve()
      }
      this.#check()
    })
  }
}
