import type { Runtime } from '../../runtime.js'
import type { Store } from '../store.js'
import { EtcdStore } from './etcd-store.js'
import { type EtcdOptions, parseEtcdOptions } from './options.js'

export type { EtcdOptions } from './options.js'

/**
 * A Store on etcd. Throws INVALID_ARGUMENT where the options are wrong; connects when first used, so that a registry
 * that is down shows only then. Close it when done.
 */
export function openEtcdStore(options: EtcdOptions, runtime: Runtime): Store {
  return new EtcdStore(parseEtcdOptions(options), runtime)
}
