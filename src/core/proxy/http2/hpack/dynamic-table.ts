import { NO_FIELDS } from '../../http/head.js'
import type { Name } from '../../http/names.js'
import { copyWords } from '../../transport/copy-words.js'
import { SLACK } from '../../transport/word-buffer.js'

/** The size we allow a peer's encoder, the initial value of SETTINGS_HEADER_TABLE_SIZE, which we never change. */
export const TABLE_SIZE = 4096

/** "The size of an entry is the sum of its name's length in octets, its value's length in octets, and 32." (RFC 7541 §4.1) */
export const ENTRY_OVERHEAD = 32

const MAX_ENTRIES = TABLE_SIZE / ENTRY_OVERHEAD
const FIRST_ARENA = 1024

/** A field that a peer may refer to by its index. */
export class Entry {
  /** undefined: no field may be called so, and the message that refers to it is malformed. */
  name: Name | undefined = undefined
  kind = 0
  /** What its value says, see facts.ts. */
  fact = 0
  /** Decoded, overhead included. */
  size = 0
  /** Length of the name, decoded. */
  nameLength = 0
  /** The field as it goes into a field block is in the arena at `offset`, `length` octets. A malformed one has none. */
  offset = 0
  length = 0
  /** What it takes of the arena. */
  room = 0
}

/**
 * The fields a peer has added (RFC 7541 §2.3.2), newest first, ready to be copied into field blocks. Memory is allotted with the first field:
 * a ring of entries, and a ring of octets in which each field lies in one piece.
 */
export class DynamicTable {
  #entries: Entry[] = []
  /** The place of the next entry in the ring, and how many there are. */
  #next = 0
  #count = 0
  #size = 0
  #capacity = TABLE_SIZE
  #arena = NO_FIELDS
  #arenaSize = 0
  /** Where the next field is to lie, and the octets that live ones take. */
  #position = 0
  #live = 0

  /** Another one after every insertion and every change of the capacity: what an index stands for may have changed. */
  version = 0

  /** A view of the arena, with SLACK octets beyond its end. */
  view = NO_VIEW

  get count(): number {
    return this.#count
  }

  /** The entry `age` places behind the newest; undefined beyond the oldest. Valid until the next insertion. */
  get(age: number): Entry | undefined {
    return age < this.#count ? this.#entries[(this.#next - 1 - age) & (MAX_ENTRIES - 1)] : undefined
  }

  /** Sets the capacity, at most TABLE_SIZE, and evicts what exceeds it (RFC 7541 §4.3). */
  resize(capacity: number): void {
    this.version++
    this.#capacity = capacity
    this.#evict(capacity)
  }

  /**
   * Adds a field of decoded `size` that stands ready-made in `from` at `offset`, SLACK octets behind it. "It is not an error to attempt to add
   * an entry that is larger than the maximum size; an attempt to add such an entry causes the table to be emptied" (RFC 7541 §4.4).
   */
  insert(
    name: Name | undefined,
    nameLength: number,
    fact: number,
    size: number,
    from: DataView,
    offset: number,
    length: number,
  ): void {
    this.version++
    if (size > this.#capacity) {
      this.#evict(0)
      return
    }
    this.#evict(this.#capacity - size)
    const entry = (this.#entries[this.#next] ??= new Entry())
    entry.name = name
    entry.kind = name === undefined ? 0 : name.kind
    entry.nameLength = nameLength
    entry.fact = fact
    entry.size = size
    entry.length = length
    entry.room = roomFor(length)
    entry.offset = this.#allot(entry.room)
    copyWords(from, offset, length, this.view, entry.offset)
    this.#next = (this.#next + 1) & (MAX_ENTRIES - 1)
    this.#count++
    this.#size += size
    this.#live += entry.room
  }

  #evict(size: number): void {
    while (this.#size > size) {
      const oldest = this.#entries[(this.#next - this.#count) & (MAX_ENTRIES - 1)]!
      this.#size -= oldest.size
      this.#live -= oldest.room
      this.#count--
    }
  }

  /**
   * Finds `room` octets in one piece. An arena of twice the live octets always has them: what is skipped at the end when the
   * ring starts over is shorter than the field that did not fit.
   */
  #allot(room: number): number {
    if (2 * (this.#live + room) > this.#arenaSize) this.#grow(2 * (this.#live + room))
    if (this.#position + room > this.#arenaSize) this.#position = 0
    const offset = this.#position
    this.#position += room
    return offset
  }

  /** A field takes no more room than what it counts for, so the arena ends at twice TABLE_SIZE. */
  #grow(needed: number): void {
    let size = Math.max(this.#arenaSize, FIRST_ARENA)
    while (size < needed) size *= 2
    const arena = Buffer.allocUnsafeSlow(size + SLACK)
    let position = 0
    for (let age = this.#count - 1; age >= 0; age--) {
      const entry = this.get(age)!
      this.#arena.copy(arena, position, entry.offset, entry.offset + entry.length)
      entry.offset = position
      position += entry.room
    }
    this.#arena = arena
    this.#arenaSize = size
    this.#position = position
    this.view = new DataView(arena.buffer)
  }
}

/** Copies by words overrun: into the field's own room, never into the next field. */
function roomFor(length: number): number {
  return (length + SLACK - 1) & -SLACK
}

const NO_VIEW = new DataView(new ArrayBuffer(0))
