import { isServiceName } from '../../model/service.js'

/** What a client asks for. */
export interface RequestedService {
  readonly service: string
  /** The zone that the client says it is in. */
  readonly zone: string | undefined
}

/** "Its length should be less than 256 bytes." (load_balancer.proto) */
const MAX_NAME_BYTES = 255

/** A port at the end, of the whole name or of the service's. */
const PORT = /:\d{1,5}$/

/**
 * Reads the name in a client's first message: `web`, `web:8080`, `web@zone` or `web@zone:8080`. "The name might include a port
 * number. How to handle the port number is up to the balancer" (load_balancer.proto): it is the port of the client's target,
 * endpoints have ports of their own, and so it says nothing. Returns the reason where the name cannot be a service's.
 */
export function readRequestedName(name: string): RequestedService | string {
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `the name is longer than ${MAX_NAME_BYTES} bytes`
  const bare = name.replace(PORT, '')
  const at = bare.indexOf('@')
  const service = (at < 0 ? bare : bare.slice(0, at)).replace(PORT, '')
  if (!isServiceName(service)) return `${JSON.stringify(name)} does not name a service`
  return { service, zone: at < 0 ? undefined : bare.slice(at + 1) || undefined }
}
