import { createRequire } from 'node:module'
import { FileDescriptorProto } from 'protobufjs/ext/descriptor/index.js'
import { describe, expect, it } from 'vitest'
import { withSoundDescriptors } from '../../../src/core/control-plane/serving/descriptors.js'
import { loadProtos } from '../../../src/core/protos/load.js'

interface File {
  readonly name: string
  readonly package: string
  readonly dependency: readonly string[]
  readonly messageType: readonly Message[]
  readonly enumType: readonly { readonly name: string }[]
  readonly service: readonly Service[]
}

interface Service {
  readonly name: string
  readonly method: readonly { readonly name: string; readonly inputType: string; readonly outputType: string }[]
}

interface Message {
  readonly name: string
  readonly field: readonly { readonly name: string; readonly typeName: string; readonly jsonName: string }[]
  readonly nestedType: readonly Message[]
  readonly enumType: readonly { readonly name: string }[]
  readonly options: { readonly mapEntry: boolean } | null
}

const { resolve } = createRequire(import.meta.url)
const HEALTH = resolve('grpc-health-check/proto/health/v1/health.proto')
const CHANNELZ = resolve('@grpc/grpc-js/proto/channelz.proto')

/** What a client makes of the descriptors that it is sent. */
function soundFiles(): File[] {
  const definition = withSoundDescriptors(loadProtos(['grpclb', 'xds', 'orca'], [HEALTH, CHANNELZ]))
  const [{ fileDescriptorProtos }] = Object.values(definition) as unknown as [{ fileDescriptorProtos: Buffer[] }]
  return fileDescriptorProtos.map((bytes) => FileDescriptorProto.decode(bytes) as unknown as File)
}

/** Every message of a file, with its full name. */
function messagesOf(file: File): [name: string, message: Message][] {
  const within = (scope: string, messages: readonly Message[]): [string, Message][] =>
    messages.flatMap((message) => {
      const name = `${scope}.${message.name}`
      return [[name, message] as [string, Message], ...within(name, message.nestedType)]
    })
  return within(`.${file.package}`, file.messageType)
}

describe('descriptors for reflection', () => {
  const files = soundFiles()
  const declared = new Map(
    files.flatMap((file) => [
      ...file.enumType.map(({ name }) => [`.${file.package}.${name}`, file.name] as const),
      ...messagesOf(file).flatMap(([name, { enumType }]) => [
        [name, file.name] as const,
        ...enumType.map((each) => [`${name}.${each.name}`, file.name] as const),
      ]),
    ]),
  )

  it('name every type in full, and it is in the file or in one that the file imports', () => {
    let checked = 0
    for (const file of files) {
      const visible = [file.name, ...file.dependency]
      for (const [name, { field }] of messagesOf(file)) {
        for (const { name: fieldName, typeName } of field) {
          if (typeName === '') continue
          expect(visible, `${name}.${fieldName} is a ${typeName}`).toContain(declared.get(typeName))
          checked++
        }
      }
      for (const { name, method } of file.service) {
        for (const { name: methodName, inputType, outputType } of method) {
          expect(visible, `${name}.${methodName} takes a ${inputType}`).toContain(declared.get(inputType))
          expect(visible, `${name}.${methodName} gives a ${outputType}`).toContain(declared.get(outputType))
        }
      }
    }
    expect(checked).toBeGreaterThan(100)
  })

  it('import each other in no circle', () => {
    const byName = new Map(files.map((file) => [file.name, file]))
    const reach = (name: string, path: readonly string[]): void => {
      expect(path).not.toContain(name)
      for (const next of byName.get(name)!.dependency) reach(next, [...path, name])
    }
    for (const { name } of files) reach(name, [])
  })

  it('call the entries of maps what compilers call them', () => {
    const entries = files.flatMap((file) =>
      messagesOf(file).flatMap(([name, { options }]) => (options?.mapEntry ? [name] : [])),
    )
    expect(entries).toContain('.grpc.health.v1.HealthListResponse.StatusesEntry')
    expect(entries).toContain('.envoy.config.cluster.v3.Cluster.TypedExtensionProtocolOptionsEntry')
    for (const name of entries) expect(declared.has(name)).toBe(true)
  })

  it('give fields their names in JSON', () => {
    const fields = files.flatMap((file) => messagesOf(file).flatMap(([, { field }]) => field))
    const named = (name: string) => fields.find((field) => field.name === name)!.jsonName
    expect(named('load_balance_token')).toBe('loadBalanceToken')
    expect(named('servers')).toBe('servers')
  })
})
