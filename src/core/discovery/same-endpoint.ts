import type { Endpoint } from '../model/endpoint.js'

/** Whether two endpoints say the same in every field. */
export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.load === b.load && sameButLoad(a, b)
}

/** Whether two endpoints say the same but for their load, which changes all the time. */
export function sameButLoad(a: Endpoint, b: Endpoint): boolean {
  return (
    a.id === b.id &&
    a.address === b.address &&
    a.weight === b.weight &&
    a.zone === b.zone &&
    a.state === b.state &&
    a.role === b.role &&
    sameMeta(a.meta, b.meta)
  )
}

function sameMeta(a: Endpoint['meta'], b: Endpoint['meta']): boolean {
  if (a === b) return true
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key])
}
