import { FairleadError } from '../../errors.js'
import { parseAddress } from '../../model/address.js'
import { parseServiceName } from '../../model/service.js'
import type { EndpointChange } from './source.js'

const HINT = 'for example {"service":"web","address":"10.0.0.5:8080","state":"drain"}, or "weight":3'
const STATES = ['ready', 'drain', 'maint'] as const
const KEYS: readonly string[] = ['service', 'address', 'weight', 'state'] satisfies (keyof EndpointChange)[]

/** Reads the body of `POST /set`. Throws INVALID_ARGUMENT naming what is wrong. */
export function parseEndpointChange(body: Readonly<Record<string, unknown>>): EndpointChange {
  const unknown = Object.keys(body).find((key) => !KEYS.includes(key))
  if (unknown !== undefined) throw wrong(`unknown key ${JSON.stringify(unknown)}`)
  const { service, address, weight, state } = body
  if (typeof service !== 'string') throw wrong('service is not a string')
  if (typeof address !== 'string') throw wrong('address is not a string')
  if (weight === undefined && state === undefined) throw wrong('nothing to set')
  const known = STATES.find((each) => each === state)
  if (state !== undefined && known === undefined) throw wrong(`state is none of ${STATES.join(', ')}`)
  if (weight !== undefined && !isWeight(weight)) throw wrong('weight is not a whole number of 0 to 1000')
  return {
    service: parseServiceName(service),
    address: parseAddress(address).address,
    ...(weight !== undefined && { weight }),
    ...(known !== undefined && { state: known }),
  }
}

function isWeight(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 1000
}

function wrong(message: string): FairleadError {
  return new FairleadError('INVALID_ARGUMENT', message, { hint: HINT })
}
