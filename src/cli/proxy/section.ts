import { FairleadError } from '../../core/errors.js'
import { suggestion } from '../suggest.js'
import { DEFAULT_STICKY_COOKIE, proxyFlags, type ProxyValues } from './flags.js'

/** The `proxy` section of a config file. */
export interface ProxySection {
  /** `LISTEN=TARGET…`. */
  readonly listen: readonly string[]
  readonly values: ProxyValues
}

const KEYS: readonly string[] = ['listen', ...Object.keys(proxyFlags)]

/**
 * Reads the `proxy` section of a config file: the flags of the command as keys, and `listen`, a list of `LISTEN=TARGET` or a
 * mapping of one to the other. Throws INVALID_ARGUMENT naming the key that is wrong. Nothing is there without a section.
 */
export function readProxySection(section: unknown): ProxySection {
  if (section === undefined || section === null) return { listen: [], values: {} }
  if (!isMapping(section)) throw wrong('proxy is not a mapping of keys to values', 'write listen: [8080=web] below it')
  const values = new Map<string, unknown>()
  for (const [key, value] of Object.entries(section)) {
    if (!KEYS.includes(key)) {
      throw wrong(
        `unknown key ${JSON.stringify(key)} in proxy`,
        suggestion(key, KEYS) ?? `known keys: ${KEYS.join(', ')}`,
      )
    }
    if (key !== 'listen') values.set(key, readValue(key as keyof typeof proxyFlags, value))
  }
  return { listen: readListen(section.listen), values: Object.fromEntries([...values].filter(([, v]) => v !== false)) }
}

function readListen(value: unknown): string[] {
  if (value === undefined || value === null) return []
  const hint = 'write a list like [8080=web], or a mapping like 8080: web'
  if (isMapping(value)) {
    return Object.entries(value).map(([listen, target]) => {
      if (typeof target !== 'string') throw wrong(`the target of ${listen} is not a string`, hint)
      return `${listen}=${target}`
    })
  }
  const list = typeof value === 'string' ? [value] : value
  if (!isStrings(list)) throw wrong('listen is not a list of LISTEN=TARGET', hint)
  return list
}

function readValue(key: keyof typeof proxyFlags, value: unknown): unknown {
  const flag = proxyFlags[key]
  if (key === 'sticky' && typeof value === 'boolean') return value && DEFAULT_STICKY_COOKIE
  if (flag.type === 'boolean') {
    if (typeof value === 'boolean') return value
    throw wrong(`${key} has a value of the wrong type`, 'write true or false')
  }
  if (key === 'retries' || key === 'max-connections' || key === 'workers') {
    if (typeof value === 'number') return value
    throw wrong(`${key} is not a number`, 'write a whole number')
  }
  if (flag.multiple) {
    const list = typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value
    if (isStrings(list)) return list
    throw wrong(`${key} is not a list of strings`, 'write a list like [10.0.0.0/8]')
  }
  // A bare 0 is a duration too.
  const text = value === 0 ? '0' : value
  const { options } = flag
  if (typeof text !== 'string') throw wrong(`${key} has a value of the wrong type`, 'write a string')
  if (options && !options.includes(text)) throw wrong(`${key} is ${JSON.stringify(text)}`, `use ${options.join(', ')}`)
  return text
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function wrong(problem: string, hint: string): FairleadError {
  return new FairleadError('INVALID_ARGUMENT', `config file: ${problem}`, { hint })
}
