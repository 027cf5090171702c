import { Head } from '../../http/head.js'
import { type WordBuffer, wordBuffer } from '../../transport/word-buffer.js'
import type { RoleCode } from './head-rules.js'

/** Sections of one connection that can be remembered at a time. */
const SLOTS = 32
/** Shorter sections are decoded as fast as they are found, longer ones repeat too rarely. */
const SHORTEST = 8
const LONGEST = 1024
/** What all connections of the process may remember, in bytes. */
const BUDGET = 16 * 1024 * 1024

let remembered = 0

/** Bytes that the connections of this process remember of header sections. */
export function rememberedBytes(): number {
  return remembered
}

/** A section seen, and what it decoded to once it was seen again. */
class Slot {
  hash = 0
  role: RoleCode = 0
  length = 0
  /** Of the table that the section was decoded with. */
  version = -1
  key: WordBuffer | undefined = undefined
  readonly head = new Head()
}

/**
 * What header sections of a connection decoded to, by their octets: most calls repeat one. A section is remembered in its
 * role only, for what is valid differs, and only as long as the table stays as it was. Sections that change the table or hold
 * secrets must not be given. A section is stored when seen for the second time, so that heads that never repeat cost no
 * memory; two that meet in a slot put each other out.
 */
export class SectionMemory {
  #slots: (Slot | undefined)[] | undefined

  /** Has `head` say what the section `view[from, from + length)` says, if it is remembered. */
  recall(view: DataView, from: number, length: number, role: RoleCode, version: number, head: Head): boolean {
    if (this.#slots === undefined || length < SHORTEST || length > LONGEST) return false
    const slot = this.#slots[slotOf(view, from, length)]
    if (slot === undefined || slot.version !== version || slot.length !== length || slot.role !== role) return false
    if (slot.key === undefined || !isSame(slot.key.view, view, from, length)) return false
    head.share(slot.head)
    return true
  }

  /** Takes note of a section and of what it was decoded to. */
  note(view: DataView, from: number, length: number, role: RoleCode, version: number, head: Head): void {
    if (length < SHORTEST || length > LONGEST) return
    this.#slots ??= new Array<Slot | undefined>(SLOTS).fill(undefined)
    const slot = (this.#slots[slotOf(view, from, length)] ??= new Slot())
    const hash = hashOf(view, from, length)
    if (slot.hash === hash && slot.role === role && slot.length === length)
      return store(slot, view, from, version, head)
    release(slot)
    slot.hash = hash
    slot.role = role
    slot.length = length
  }

  /** The connection is over: gives the memory back. */
  clear(): void {
    for (const slot of this.#slots ?? []) if (slot) release(slot)
    this.#slots = undefined
  }
}

function store(slot: Slot, view: DataView, from: number, version: number, head: Head): void {
  release(slot)
  const size = slot.length + head.length
  if (remembered + size > BUDGET) return
  remembered += size
  slot.key = wordBuffer(slot.length)
  for (let i = 0; i < slot.length; i++) slot.key[i] = view.getUint8(from + i)
  slot.head.share(head)
  slot.head.block = wordBuffer(head.length)
  head.block.copy(slot.head.block, 0, 0, head.length)
  slot.version = version
}

function release(slot: Slot): void {
  if (slot.key === undefined) return
  remembered -= slot.key.length + slot.head.length
  slot.key = undefined
  slot.version = -1
}

/** From three words: collisions only put entries out, so that there is nothing to attack. */
function slotOf(view: DataView, from: number, length: number): number {
  const middle = from + (length >> 1) - 2
  const words =
    view.getInt32(from, true) ^ Math.imul(view.getInt32(middle, true), 31) ^ view.getInt32(from + length - 4, true)
  return Math.imul(words ^ length, 0x9e3779b1) >>> 27
}

function hashOf(view: DataView, from: number, length: number): number {
  let hash = length
  for (let at = 0; at + 4 <= length; at += 4) hash = mix(hash, view.getInt32(from + at, true))
  return mix(hash, view.getInt32(from + length - 4, true))
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x85ebca6b)
  return mixed ^ (mixed >>> 15)
}

function isSame(key: DataView, view: DataView, from: number, length: number): boolean {
  for (let at = 0; at + 4 <= length; at += 4) {
    if (key.getInt32(at, true) !== view.getInt32(from + at, true)) return false
  }
  return key.getInt32(length - 4, true) === view.getInt32(from + length - 4, true)
}
