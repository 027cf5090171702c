import { readFileSync } from 'node:fs'
import { FairleadError } from '../core/errors.js'
import { type EtcdOptions, openEtcdStore } from '../core/registry/etcd/index.js'
import type { Runtime } from '../core/runtime.js'
import type { Store } from '../core/registry/store.js'
import type { Settings } from './settings.js'

/** Opens the registry the settings name. This module loads the etcd client: import it only when a store is needed. Throws INVALID_ARGUMENT. */
export function openStore(settings: Settings, runtime: Runtime): Store {
  return openEtcdStore(connectionOptions(settings), runtime)
}

function connectionOptions(settings: Settings): EtcdOptions {
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
