import { experimental } from '@grpc/grpc-js'
import { FairleadError } from '../errors.js'
import { parseServiceName } from '../model/service.js'

/** The schemes: `ns` always reads etcd's usual prefix, `fairlead` the one that is configured. */
export const SCHEMES = ['ns', 'fairlead'] as const
export type Scheme = (typeof SCHEMES)[number]

/**
 * The service that a target names: `web` of `ns:///web` and of `ns://author/web`, whose authority is ignored as in etcd's resolver for Go.
 * Throws INVALID_ARGUMENT.
 */
export function serviceOf(target: experimental.GrpcUri): string {
  try {
    return parseServiceName(target.path)
  } catch (error) {
    throw new FairleadError('INVALID_ARGUMENT', `bad target ${JSON.stringify(experimental.uriToString(target))}`, {
      cause: error,
      hint: `write ${target.scheme}:///SERVICE: ${(error as Error).message}`,
    })
  }
}
