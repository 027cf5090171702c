import { experimental } from '@grpc/grpc-js'
import type { Runtime } from '../runtime.js'
import { registerGrpclb } from './grpclb/register.js'
import { useSource } from './live-sources.js'
import { resolverType } from './name-resolver.js'
import { registerPolicies } from './policy/register-policies.js'
import type { RegistrySource } from './registry-source.js'
import { SCHEMES } from './target.js'

/**
 * Makes fairlead's schemes and policies known to grpc-js, and `source` what channels that are made from now on resolve from. Returns what
 * ends the latter; grpc-js has no way to forget the former.
 */
export function registerWithGrpc(source: RegistrySource, runtime: Runtime): () => void {
  registerPolicies(runtime)
  registerGrpclb(runtime)
  for (const scheme of SCHEMES) experimental.registerResolver(scheme, resolverType(scheme))
  return useSource(source)
}
