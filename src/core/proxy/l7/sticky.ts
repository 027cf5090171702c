import { createHmac } from 'node:crypto'
import type { Snapshot } from '../../model/snapshot.js'
import { encodeFields } from '../http/field-block.js'
import { type Head, NO_FIELDS } from '../http/head.js'
import { cookieValue } from './hash-key.js'

export interface StickySettings {
  /** Of the cookie. */
  readonly name: string
  /** What its values are made with. */
  readonly key: Buffer
}

interface Member {
  readonly id: string
  /** The `set-cookie` field, ready-made, for clients in clear and over TLS. */
  readonly plain: Buffer
  readonly secure: Buffer
}

/** Enough that values of different endpoints never meet. */
const VALUE_BYTES = 12

/**
 * Keeps a client with its endpoint by a cookie. The value is a keyed hash of the endpoint's id: it tells nothing of the endpoint, it
 * cannot be made up, and it means the same whoever else comes or goes and whatever address the endpoint has next.
 */
export class Sticky {
  readonly settings: StickySettings
  /** Addresses by cookie value, and endpoints by address. */
  #addresses = new Map<string, string>()
  #members = new Map<string, Member>()

  constructor(settings: StickySettings) {
    this.settings = settings
  }

  update(snapshot: Snapshot): void {
    const before = this.#members
    this.#members = new Map()
    this.#addresses = new Map()
    for (const { id, address } of snapshot.endpoints) {
      const value = this.#valueOf(id)
      const known = before.get(address)
      this.#addresses.set(value, address)
      this.#members.set(address, known?.id === id ? known : this.#member(id, value))
    }
  }

  /** The address that the client of this request had before, if it is still in the service. */
  addressFor(head: Head): string | undefined {
    const value = cookieValue(head, this.settings.name)
    return value === undefined ? undefined : this.#addresses.get(value)
  }

  /** What is to be appended to a response so that its client stays with the endpoint at `address`. */
  fieldFor(address: string, secure: boolean): Buffer {
    const member = this.#members.get(address)
    if (member === undefined) return NO_FIELDS
    return secure ? member.secure : member.plain
  }

  #valueOf(id: string): string {
    const hash = createHmac('sha256', this.settings.key).update(id).digest()
    return hash.toString('base64url', 0, VALUE_BYTES)
  }

  #member(id: string, value: string): Member {
    const cookie = `${this.settings.name}=${value}; Path=/; HttpOnly; SameSite=Lax`
    return {
      id,
      plain: encodeFields([['set-cookie', cookie]]),
      secure: encodeFields([['set-cookie', `${cookie}; Secure`]]),
    }
  }
}
