import { lengthDelimited } from '../serving/length-delimited.js'
import type { DeltaResponse } from './delta-subscription.js'
import { encode, typeUrl } from './messages.js'
import type { Resource } from './resource.js'
import { RESOURCE_TYPES, type ResourceType } from './resource-type.js'
import type { SotwResponse } from './sotw-subscription.js'

const PACKAGE = 'envoy.service.discovery.v3'
const CONTROL_PLANE = { identifier: 'fairlead' }

/** The field `resources`, of `DiscoveryResponse` and of `DeltaDiscoveryResponse`. */
const RESOURCES = 2

/** Of each resource, as it stands in a response of either form: serialised once for all streams that get it. */
const sotwEntries = new WeakMap<Resource, Buffer>()
const deltaEntries = new WeakMap<Resource, Buffer>()

/** A `DiscoveryResponse`. */
export function encodeSotw(type: ResourceType, { version, nonce, resources }: SotwResponse): Buffer {
  const head = encode(`${PACKAGE}.DiscoveryResponse`, {
    version_info: version,
    type_url: typeUrl(RESOURCE_TYPES[type].message),
    nonce,
    control_plane: CONTROL_PLANE,
  })
  const entryOf = (resource: Resource) => kept(sotwEntries, resource, () => encode('google.protobuf.Any', resource.any))
  return Buffer.concat([head, ...resources.map(entryOf)])
}

/** A `DeltaDiscoveryResponse`. */
export function encodeDelta(type: ResourceType, { version, nonce, resources, removed }: DeltaResponse): Buffer {
  const head = encode(`${PACKAGE}.DeltaDiscoveryResponse`, {
    system_version_info: version,
    type_url: typeUrl(RESOURCE_TYPES[type].message),
    removed_resources: removed,
    nonce,
    control_plane: CONTROL_PLANE,
  })
  const entryOf = (resource: Resource) =>
    kept(deltaEntries, resource, () => {
      const { name, version, any } = resource
      return encode(`${PACKAGE}.Resource`, { name, version, resource: any })
    })
  return Buffer.concat([head, ...resources.map(entryOf)])
}

function kept(entries: WeakMap<Resource, Buffer>, resource: Resource, make: () => Buffer): Buffer {
  let entry = entries.get(resource)
  if (!entry) {
    entry = lengthDelimited(RESOURCES, [make()])
    entries.set(resource, entry)
  }
  return entry
}
