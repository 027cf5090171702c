import type { PackageDefinition } from '@grpc/proto-loader'
import descriptor from 'protobufjs/ext/descriptor/index.js'

// Node finds no named exports in this module.
const { FileDescriptorProto } = descriptor

/** The parts of `google.protobuf.FileDescriptorProto` that are looked at. */
interface FileDescriptor {
  readonly name: string
  readonly package?: string
  dependency: string[]
  readonly messageType?: readonly MessageDescriptor[]
  readonly enumType?: readonly Named[]
  readonly service?: readonly ServiceDescriptor[]
}

interface ServiceDescriptor {
  readonly name: string
  readonly method?: readonly { inputType: string; outputType: string }[]
}

interface Named {
  name: string
}

interface MessageDescriptor extends Named {
  readonly field?: readonly { readonly name: string; typeName?: string; jsonName?: string }[]
  readonly nestedType?: readonly MessageDescriptor[]
  readonly enumType?: readonly Named[]
  readonly options?: { readonly mapEntry?: boolean }
  reservedRange?: unknown
}

/**
 * Puts the file descriptors of a package definition right, as they come from protobufjs: types are named relative to where they
 * are used, files do not say what they import, fields not their names in JSON, entries of maps have names that no compiler gives, and
 * reserved ranges end one number early (they are left out). Clients that build types of them, as grpcurl does, take none of that.
 * Returns what ReflectionService reads of a definition.
 */
export function withSoundDescriptors(definition: PackageDefinition): PackageDefinition {
  const files = new Map<string, FileDescriptor>()
  for (const { fileDescriptorProtos } of Object.values(definition)) {
    if (!Array.isArray(fileDescriptorProtos)) continue
    for (const bytes of fileDescriptorProtos) {
      const file = FileDescriptorProto.toObject(FileDescriptorProto.decode(bytes)) as unknown as FileDescriptor
      if (!files.has(file.name)) files.set(file.name, file)
    }
  }
  const types = new Map<string, FileDescriptor>()
  for (const file of files.values()) declare(file, file.messageType, file.enumType, file.package ?? '', types)
  for (const file of files.values()) {
    const imported = new Set<FileDescriptor>()
    for (const message of file.messageType ?? []) qualify(message, file.package ?? '', types, imported)
    for (const service of file.service ?? []) qualifyMethods(service, file.package ?? '', types, imported)
    imported.delete(file)
    file.dependency = [...imported].map(({ name }) => name)
  }
  const bytes = [...files.values()].map((file) => {
    return Buffer.from(FileDescriptorProto.encode(FileDescriptorProto.fromObject(file)).finish())
  })
  return { files: { format: 'files', type: {}, fileDescriptorProtos: bytes } } as unknown as PackageDefinition
}

/** Notes the full names of types and of those within them, and renames the entries of maps. */
function declare(
  file: FileDescriptor,
  messages: readonly MessageDescriptor[] = [],
  enums: readonly Named[] = [],
  scope: string,
  types: Map<string, FileDescriptor>,
): void {
  for (const { name } of enums) types.set(`${scope}.${name}`, file)
  for (const message of messages) {
    delete message.reservedRange
    nameMapEntries(message)
    const name = `${scope}.${message.name}`
    types.set(name, file)
    declare(file, message.nestedType, message.enumType, name, types)
  }
}

/** As compilers name them: the name of the field in camel case, and `Entry` (`MessageOptions.map_entry`). */
function nameMapEntries({ field = [], nestedType = [] }: MessageDescriptor): void {
  for (const entry of nestedType) {
    const { name, options } = entry
    const owner = options?.mapEntry && field.find(({ typeName }) => typeName === name)
    if (!owner) continue
    entry.name = `${camelCase(owner.name)}Entry`
    owner.typeName = entry.name
  }
}

function camelCase(name: string): string {
  return name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** Gives fields their names in JSON and their types the full names, and notes which files these are in. */
function qualify(
  { name, field = [], nestedType = [] }: MessageDescriptor,
  outer: string,
  types: ReadonlyMap<string, FileDescriptor>,
  imported: Set<FileDescriptor>,
): void {
  const scope = `${outer}.${name}`
  for (const each of field) {
    each.jsonName = each.name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
    if (!each.typeName) continue
    each.typeName = fullName(each.typeName, scope, types, imported)
  }
  for (const message of nestedType) qualify(message, scope, types, imported)
}

/** The same for what methods take and give. */
function qualifyMethods(
  { name, method = [] }: ServiceDescriptor,
  outer: string,
  types: ReadonlyMap<string, FileDescriptor>,
  imported: Set<FileDescriptor>,
): void {
  const scope = `${outer}.${name}`
  for (const each of method) {
    each.inputType = fullName(each.inputType, scope, types, imported)
    each.outputType = fullName(each.outputType, scope, types, imported)
  }
}

/** The name itself where no file has such a type. */
function fullName(
  name: string,
  scope: string,
  types: ReadonlyMap<string, FileDescriptor>,
  imported: Set<FileDescriptor>,
): string {
  const found = resolve(name, scope, types)
  if (found === undefined) return name
  imported.add(types.get(found)!)
  return `.${found}`
}

/** A name means the type that it names in the innermost scope that has one. */
function resolve(name: string, from: string, types: ReadonlyMap<string, FileDescriptor>): string | undefined {
  if (name.startsWith('.')) return types.has(name.slice(1)) ? name.slice(1) : undefined
  for (let scope = from; ; scope = scope.slice(0, Math.max(0, scope.lastIndexOf('.')))) {
    const candidate = scope === '' ? name : `${scope}.${name}`
    if (types.has(candidate)) return candidate
    if (scope === '') return undefined
  }
}
