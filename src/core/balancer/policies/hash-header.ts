import { isTokenName } from '../../model/token.js'
import { type ConfigFields, configFields, invalid, stringField } from './config.js'

/** What every policy that chooses by key can be told about the key. */
export interface HashHeaderConfig {
  /** The header whose value is the key, in lower case (gRFC A76). */
  readonly requestHashHeader: string | undefined
}

/** The whole config of a policy that has no other field. */
export function parseHashHeaderConfig(policy: string, raw: unknown): HashHeaderConfig {
  return { requestHashHeader: hashHeaderField(policy, configFields(policy, raw)) }
}

/** Throws INVALID_ARGUMENT for what is not the name of a text header; gRFC A76 refuses binary headers too. */
export function hashHeaderField(policy: string, fields: ConfigFields): string | undefined {
  const name = stringField(policy, fields, 'requestHashHeader')?.toLowerCase()
  if (name !== undefined && (!isTokenName(name) || name.endsWith('-bin'))) {
    throw invalid(`${policy}: requestHashHeader is not the name of a text header`)
  }
  return name
}
