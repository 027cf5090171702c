import { FairleadError } from '../errors.js'

const SERVICE = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/

/** Whether `text` can name a service: 1–128 of `A-Za-z0-9._-`, not starting with a dot. */
export function isServiceName(text: string): boolean {
  return SERVICE.test(text)
}

/** Returns `text` if it can name a service, else throws INVALID_ARGUMENT. */
export function parseServiceName(text: string): string {
  if (isServiceName(text)) return text
  throw new FairleadError('INVALID_ARGUMENT', `bad service name ${JSON.stringify(text)}`, {
    hint: 'use 1 to 128 of A-Z a-z 0-9 . _ - and do not start with a dot',
  })
}
