import { readFileSync } from 'node:fs'
import { FairleadError } from '../core/errors.js'

/** Characters; shorter ones can be tried out. */
const SHORTEST = 16

/** The secret in a file, without the white space around it. Throws INVALID_ARGUMENT naming the flag. */
export function readSecret(flag: string, path: string): string {
  const problem = (what: string, cause?: unknown) =>
    new FairleadError('INVALID_ARGUMENT', `${flag} ${path} ${what}`, {
      hint: 'write a line of at least 16 characters to it, for example by: openssl rand -hex 32',
      cause,
    })
  let secret: string
  try {
    secret = readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw problem('cannot be read', error)
  }
  if (secret.length < SHORTEST) throw problem('holds no secret')
  return secret
}
