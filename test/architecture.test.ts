import { describe, expect, it } from 'vitest'
import { cycles, globalUses, parse, readSources, type SourceFile } from './support/source-graph.js'

/** What each part of core may import besides itself. Data flows left to right: nothing knows what is on its right. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'base': [],
  'model': ['base'],
  'net': ['base', 'model'],
  'registry': ['base', 'model', 'net'],
  'discovery': ['base', 'model', 'registry'],
  'balancer': ['base', 'model'],
  'health': ['base', 'model', 'balancer'],
  'wrapper': ['base', 'model', 'registry', 'health'],
  'proxy': ['base', 'model', 'net', 'discovery', 'balancer', 'health', 'load'],
  'protos': ['base'],
  'load': ['base', 'model', 'balancer', 'protos'],
  'grpc': ['base', 'model', 'discovery', 'balancer', 'health', 'load', 'protos'],
  'control-plane': ['base', 'model', 'net', 'registry', 'discovery', 'balancer', 'health', 'load', 'protos'],
  'admin': ['base', 'model', 'net', 'balancer', 'health', 'proxy', 'control-plane'],
  'library': ['base', 'model', 'registry', 'discovery', 'balancer', 'health', 'proxy', 'control-plane'],
  'advise': ['base', 'model', 'balancer'],
  'doctor': ['base', 'model', 'registry', 'balancer', 'health'],
}

/** The files of core that belong to no part: all may import them. */
const BASE = ['errors', 'runtime', 'backoff', 'in-parallel', 'seeded-random'].map((name) => `src/core/${name}.ts`)

/** npm packages and the folders that may import them. The others of package.json are not for core. */
const CONFINED: Readonly<Record<string, readonly string[]>> = {
  'etcd3': ['src/core/registry/etcd/'],
  '@grpc/grpc-js': [
    'src/core/net/',
    'src/core/registry/',
    'src/core/load/',
    'src/core/grpc/',
    'src/core/control-plane/',
  ],
  '@grpc/proto-loader': ['src/core/registry/', 'src/core/protos/', 'src/core/control-plane/'],
  '@grpc/reflection': ['src/core/control-plane/'],
  'grpc-health-check': ['src/core/control-plane/'],
  'protobufjs': ['src/core/control-plane/serving/'],
  '@oclif/core': ['src/cli/', 'src/commands/'],
  'chalk': ['src/cli/', 'src/tui/'],
  'pino': ['src/cli/'],
  'string-width': ['src/cli/', 'src/tui/'],
  'yaml': ['src/cli/'],
  'prom-client': ['src/core/admin/'],
  'ink': ['src/tui/'],
  'react': ['src/tui/'],
}

const TIME_CHANCE_OUTPUT = [
  'Date.now',
  'new Date()',
  'performance.now',
  'Math.random',
  'setTimeout',
  'setInterval',
  'console',
  'process.exit',
  'process.stdout',
  'process.stderr',
]

const sources = readSources('src')
const core = sources.filter(({ path }) => path.startsWith('src/core/'))

describe('architecture', () => {
  it('has no import cycles', () => {
    expect(cycles(sources).map((cycle) => cycle.join(' -> '))).toEqual([])
  })

  it('lets the parts of core import only what is on their left', () => {
    expect(core.flatMap(wrongImports)).toEqual([])
  })

  it('keeps core free of the command line and the views', () => {
    const outside = (file: string) => !file.startsWith('src/core/')
    expect(core.flatMap(({ path, files }) => files.filter(outside).map((file) => `${path} -> ${file}`))).toEqual([])
  })

  it('keeps the library and the views free of the command line', () => {
    const free = sources.filter(({ path }) => /^src\/([^/]+\.ts|tui\/.*)$/.test(path))
    const commandLine = (file: string) => /^src\/(cli|commands)\//.test(file)
    expect(free.flatMap(({ path, files }) => files.filter(commandLine).map((file) => `${path} -> ${file}`))).toEqual([])
  })

  it('confines npm packages', () => {
    const wrong = sources.flatMap(({ path, packages }) =>
      packages
        .filter((name) => !name.startsWith('node:') && !CONFINED[name]?.some((folder) => path.startsWith(folder)))
        .map((name) => `${path} -> ${name}`),
    )
    expect(wrong).toEqual([])
  })

  it('leaves time, chance and output to the Runtime', () => {
    const others = core.filter(({ path }) => path !== 'src/core/runtime.ts')
    expect(others.flatMap((source) => globalUses(source, TIME_CHANCE_OUTPUT))).toEqual([])
  })
})

describe('the checks themselves', () => {
  const file = (path: string, text: string) => parse(path, text)

  it('see a cycle through a type and a dynamic import', () => {
    const a = file('src/a.ts', "import type { B } from './b.js'")
    const b = file('src/b.ts', "export const load = () => import('./a.js')")
    expect(cycles([a, b])).toEqual([['src/a.ts', 'src/b.ts', 'src/a.ts']])
  })

  it('see an import to the right', () => {
    const wrong = file('src/core/discovery/x.ts', "export * from '../balancer/contract.js'")
    expect(wrongImports(wrong)).toEqual(['src/core/discovery/x.ts -> src/core/balancer/contract.ts'])
  })

  it('see globals in code, not in comments, strings and members', () => {
    const text = '// setTimeout\nclock.setTimeout("Math.random")\nconst now = Date.now\nsetTimeout(f)\nnew Date(1)'
    expect(globalUses(file('x.ts', text), TIME_CHANCE_OUTPUT)).toEqual(['x.ts:3 Date.now', 'x.ts:4 setTimeout'])
  })
})

function wrongImports({ path, files }: SourceFile): string[] {
  const part = partOf(path)
  if (part === 'composition') return []
  const allowed = MAY_IMPORT[part]
  if (allowed === undefined) return [`${path}: the part ${part} is not in the table of this test`]
  return files
    .filter((file) => file.startsWith('src/core/') && partOf(file) !== part && !allowed.includes(partOf(file)))
    .map((file) => `${path} -> ${file}`)
}

/** The folder below core; files that join the parts together stand directly in core. */
function partOf(path: string): string {
  if (BASE.includes(path)) return 'base'
  const [, , part, ...rest] = path.split('/')
  return rest.length === 0 ? 'composition' : part!
}
