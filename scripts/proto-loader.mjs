/**
 * Stands in for @grpc/proto-loader inside the bundled command line: the .proto files were read when it was built, and
 * types are put together on first use. Knows only the services of the files in `virtual:protos`, which is all that
 * grpc-js takes from a package definition to call or serve them.
 */
import { basename } from 'node:path'
import protobuf from 'protobufjs/light.js'
import protos from 'virtual:protos'

export function loadSync(file, options) {
  const json = protos[basename(file)]
  if (json === undefined) throw new Error(`${file} was not bundled`)
  const definitions = {}
  addServices(protobuf.Root.fromJSON(JSON.parse(json)), definitions, options)
  return definitions
}

function addServices(namespace, definitions, options) {
  for (const member of namespace.nestedArray) {
    if (member instanceof protobuf.Service) {
      definitions[member.fullName.slice(1)] = serviceDefinition(member, options)
    } else if (member instanceof protobuf.Namespace && !(member instanceof protobuf.Type)) {
      addServices(member, definitions, options)
    }
  }
}

function serviceDefinition(service, options) {
  return Object.fromEntries(service.methodsArray.map((method) => [method.name, methodDefinition(method, options)]))
}

function methodDefinition(method, options) {
  const request = codec(() => method.resolve().resolvedRequestType, options)
  const response = codec(() => method.resolve().resolvedResponseType, options)
  return {
    path: `/${method.parent.fullName.slice(1)}/${method.name}`,
    originalName: method.name.charAt(0).toLowerCase() + method.name.slice(1),
    requestStream: method.requestStream === true,
    responseStream: method.responseStream === true,
    requestSerialize: request.serialize,
    requestDeserialize: request.deserialize,
    responseSerialize: response.serialize,
    responseDeserialize: response.deserialize,
  }
}

function codec(typeOf, options) {
  return {
    serialize: (value) => typeOf().encode(typeOf().fromObject(value)).finish(),
    deserialize: (bytes) => typeOf().toObject(typeOf().decode(bytes), options),
  }
}
