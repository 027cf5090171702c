import { sanitize } from '../cli/sanitize.js'
import { FairleadError } from '../core/errors.js'

/**
 * A JSON object that somebody sent, read field by field. Each reader throws INVALID_ARGUMENT where the field is not of its kind.
 * Text comes out safe for a terminal.
 */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>

  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad('a part that must be an object')
    this.#values = new Map(Object.entries(value))
  }

  get(name: string): unknown {
    return this.#values.get(name)
  }

  text(name: string): string {
    const value = this.get(name)
    if (typeof value !== 'string') throw bad(name)
    return sanitize(value)
  }

  /** Empty where it is null or missing. */
  optionalText(name: string): string {
    const value = this.get(name)
    return value === null || value === undefined ? '' : this.text(name)
  }

  number(name: string): number {
    const value = this.get(name)
    if (typeof value !== 'number' || !Number.isFinite(value)) throw bad(name)
    return value
  }

  /** Null where it is null or missing. */
  optionalNumber(name: string): number | null {
    const value = this.get(name)
    return value === null || value === undefined ? null : this.number(name)
  }

  boolean(name: string): boolean {
    const value = this.get(name)
    if (typeof value !== 'boolean') throw bad(name)
    return value
  }

  object(name: string): Fields {
    return new Fields(this.get(name))
  }

  list(name: string): readonly unknown[] {
    const value = this.get(name)
    if (!Array.isArray(value)) throw bad(name)
    return value as readonly unknown[]
  }

  /** Names and values of an object of strings. Others are left out. */
  pairs(name: string): (readonly [string, string])[] {
    return [...this.object(name).#values]
      .filter((pair): pair is [string, string] => typeof pair[1] === 'string')
      .map(([key, value]) => [sanitize(key), sanitize(value)])
  }
}

function bad(what: string): FairleadError {
  return new FairleadError(
    'INVALID_ARGUMENT',
    `the answer is not that of a fairlead admin endpoint: ${what} is wrong`,
    {
      hint: 'check the address; a fairlead of another version may answer there',
    },
  )
}
