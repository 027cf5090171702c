import type { KeyValue } from './messages.js'

/** What a change costs beside its key and value: the objects around it, roughly. */
const CHANGE_OVERHEAD_BYTES = 320

/** The changes of every revision still kept, oldest first, without gaps. */
export class ChangeLog {
  #revisions: (readonly KeyValue[])[] = []
  #bytes = 0

  /** @param first the revision the first append() will be about */
  constructor(private first: number) {}

  get length(): number {
    return this.#revisions.length
  }

  /** The oldest revision kept, or the one to come when none is. */
  get oldest(): number {
    return this.first
  }

  /** Roughly what the log holds in memory. */
  get bytes(): number {
    return this.#bytes
  }

  append(changes: readonly KeyValue[]): void {
    this.#revisions.push(changes)
    this.#bytes += sizeOf(changes)
  }

  /** The changes of `revision` in the order they were made; none where it is not kept. */
  at(revision: number): readonly KeyValue[] {
    return this.#revisions[revision - this.first] ?? []
  }

  /** Forgets everything below `revision`. */
  dropBefore(revision: number): void {
    const count = Math.min(revision - this.first, this.#revisions.length)
    if (count <= 0) return
    for (const changes of this.#revisions.splice(0, count)) this.#bytes -= sizeOf(changes)
    this.first += count
  }

  /** The lowest revision to keep so that at most `revisions` of them and `bytes` remain; the newest always does. */
  cutFor(revisions: number, bytes: number): number {
    let drop = Math.max(0, this.#revisions.length - revisions)
    let remaining = this.#bytes
    for (let index = 0; index < drop; index++) remaining -= sizeOf(this.#revisions[index]!)
    while (remaining > bytes && drop < this.#revisions.length - 1) remaining -= sizeOf(this.#revisions[drop++]!)
    return this.first + drop
  }
}

function sizeOf(changes: readonly KeyValue[]): number {
  let bytes = 0
  for (const { key, value } of changes) bytes += key.length + value.length + CHANGE_OVERHEAD_BYTES
  return bytes
}
