import { etcdOptionsFrom } from '../core/library/registry-settings.js'
import { openEtcdStore } from '../core/registry/etcd/index.js'
import type { Runtime } from '../core/runtime.js'
import type { Store } from '../core/registry/store.js'
import type { Settings } from './settings.js'

/** Opens the registry the settings name. This module loads the etcd client: import it only when a store is needed. Throws INVALID_ARGUMENT. */
export function openStore(settings: Settings, runtime: Runtime): Store {
  return openEtcdStore(etcdOptionsFrom(settings), runtime)
}
