import { readFileSync } from 'node:fs'
import { FairleadError } from '../errors.js'
import type { EtcdOptions } from '../registry/etcd/index.js'
import { KeyLayout } from '../registry/keys.js'
import { badSetting, type Found, LAYERS, type SettingSources } from './setting-sources.js'

/** Where the registry is and how to talk to it, as flags, environment and config file say. */
export interface RegistrySettings {
  readonly endpoints: readonly string[]
  /** Paths of PEM files. */
  readonly cacert: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly user: string | undefined
  readonly insecure: boolean
  readonly dialTimeoutMs: number
  readonly commandTimeoutMs: number
  readonly prefix: string
  /** Looked up when asked for: reads the password file. Throws INVALID_ARGUMENT. */
  password(): string | undefined
}

/** Throws INVALID_ARGUMENT naming the source of the value that is wrong. */
export function registrySettings(sources: SettingSources): RegistrySettings {
  const [user, password] = credentials(sources)
  return {
    endpoints: endpoints(sources),
    cacert: sources.text('cacert'),
    cert: sources.text('cert'),
    key: sources.text('key'),
    user,
    insecure: sources.boolean('insecure'),
    dialTimeoutMs: sources.duration('dial-timeout', '2s'),
    commandTimeoutMs: sources.duration('command-timeout', '5s'),
    prefix: new KeyLayout(sources.text('prefix')).prefix,
    password,
  }
}

/** What a store is opened with. Reads the files that the settings name. Throws INVALID_ARGUMENT. */
export function etcdOptionsFrom(settings: RegistrySettings): EtcdOptions {
  const { cacert, cert, key, user } = settings
  const password = settings.password()
  if (user !== undefined && password === undefined) {
    throw new FairleadError('INVALID_ARGUMENT', `no password for user ${JSON.stringify(user)}`, {
      hint: 'use --password-file FILE, or FAIRLEAD_PASSWORD in the environment',
    })
  }
  const tls = {
    ...(cacert === undefined ? {} : { ca: readPem('--cacert', cacert) }),
    ...(cert === undefined ? {} : { cert: readPem('--cert', cert) }),
    ...(key === undefined ? {} : { key: readPem('--key', key) }),
  }
  return {
    endpoints: settings.endpoints,
    tls: Object.keys(tls).length === 0 ? undefined : tls,
    user,
    password: user === undefined ? undefined : password,
    dialTimeoutMs: settings.dialTimeoutMs,
    commandTimeoutMs: settings.commandTimeoutMs,
    insecure: settings.insecure,
  }
}

function endpoints(sources: SettingSources): string[] {
  const found = sources.find('endpoints')
  if (found === undefined) return ['127.0.0.1:2379']
  const list = String(found.value)
    .split(',')
    .map((endpoint) => endpoint.trim())
    .filter((endpoint) => endpoint !== '')
  if (list.length === 0) throw badSetting(found, 'name at least one host:port')
  return list
}

/** The user, and its password from the strongest source: a user of the environment or the file may be `user:password`. */
function credentials(sources: SettingSources): [user: string | undefined, password: () => string | undefined] {
  const found = sources.find('user')
  const given = found === undefined ? undefined : String(found.value)
  const colon = given?.indexOf(':') ?? -1
  if (given === undefined || colon < 0) return [given, () => storedPassword(sources)]
  if (found!.source === '--user') {
    throw new FairleadError('INVALID_ARGUMENT', '--user must not carry a password: every user can read arguments', {
      hint: 'use --password-file FILE, or FAIRLEAD_PASSWORD in the environment',
    })
  }
  const inline: Found = { ...found!, value: given.slice(colon + 1) }
  return [given.slice(0, colon), () => storedPassword(sources, inline)]
}

function storedPassword(sources: SettingSources, inline?: Found): string | undefined {
  const file = sources.find('password-file')
  const variable = sources.variable('password')
  for (const layer of LAYERS) {
    if (file?.layer === layer) return passwordIn(String(file.value))
    if (variable?.layer === layer) return String(variable.value)
    if (inline?.layer === layer) return String(inline.value)
  }
  return undefined
}

function passwordIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new FairleadError('INVALID_ARGUMENT', `password file cannot be read: ${(error as Error).message}`, {
      cause: error,
      hint: 'check the path and its permissions',
    })
  }
}

function readPem(flag: string, path: string): Buffer {
  try {
    const pem = readFileSync(path)
    if (pem.includes('-----BEGIN ')) return pem
  } catch (error) {
    throw new FairleadError('INVALID_ARGUMENT', `${flag} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  throw new FairleadError('INVALID_ARGUMENT', `${flag}: ${path} holds no PEM block`, {
    hint: 'the file must contain a block that starts with -----BEGIN',
  })
}
