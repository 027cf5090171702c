import type { ConnectOptions } from './options.js'
import { etcdOptionsFrom, registrySettings } from './registry-settings.js'
import { type Env, SettingSources } from './setting-sources.js'

/**
 * Options completed by the environment, with the precedence of the command line: `FAIRLEAD_*`, then `ETCDCTL_*`, then the default. TLS, and
 * user and password, are taken as a whole from the options or from the environment. Reads the files that variables name, if they count. Throws
 * INVALID_ARGUMENT naming the variable that is wrong.
 */
export function connectOptionsFrom(options: ConnectOptions, env: Env): ConnectOptions {
  const settings = registrySettings(new SettingSources({}, hidden(env, options), {}))
  const { tls, user, password, ...said } = etcdOptionsFrom(settings)
  return {
    endpoints: said.endpoints,
    insecure: settings.insecure,
    dialTimeoutMs: settings.dialTimeoutMs,
    commandTimeoutMs: settings.commandTimeoutMs,
    prefix: settings.prefix,
    ...(tls && { tls }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...withoutUndefined(options),
  }
}

const LOGIN = ['USER', 'PASSWORD', 'PASSWORD_FILE']
/** What an option makes of no interest is not even looked at: it may be unreadable. */
const COVERED: Readonly<Partial<Record<keyof ConnectOptions, readonly string[]>>> = {
  endpoints: ['ENDPOINTS'],
  tls: ['CACERT', 'CERT', 'KEY'],
  user: LOGIN,
  password: LOGIN,
  insecure: ['INSECURE'],
  prefix: ['PREFIX'],
  dialTimeoutMs: ['DIAL_TIMEOUT'],
  commandTimeoutMs: ['COMMAND_TIMEOUT'],
}

function hidden(env: Env, options: ConnectOptions): Env {
  const covered = Object.entries(COVERED).flatMap(([name, variables]) =>
    options[name as keyof ConnectOptions] === undefined ? [] : variables,
  )
  const names = new Set(covered.flatMap((name) => [`FAIRLEAD_${name}`, `ETCDCTL_${name}`]))
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.has(name)))
}

function withoutUndefined(options: ConnectOptions): ConnectOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
