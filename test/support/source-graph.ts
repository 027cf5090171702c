import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface SourceFile {
  /** From the repository's root: `src/core/errors.ts`. */
  readonly path: string
  readonly text: string
  /** Files of the repository it imports, types and dynamic imports included. */
  readonly files: readonly string[]
  /** Packages it imports, `node:` modules included: `etcd3`, `@grpc/grpc-js`, `node:net`. */
  readonly packages: readonly string[]
}

/** Every TypeScript file below `directory` with what it imports. */
export function readSources(directory: string): SourceFile[] {
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(directory, name))
    .sort()
    .map((path) => parse(path, readFileSync(join(ROOT, path), 'utf8')))
}

/** What a file imports, from its text. */
export function parse(path: string, text: string): SourceFile {
  const specifiers = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName)
  const local = specifiers.filter((specifier) => specifier.startsWith('.'))
  return {
    path,
    text,
    files: local.map((specifier) => sourceOf(join(dirname(path), specifier))),
    packages: specifiers.filter((specifier) => !specifier.startsWith('.')).map(packageOf),
  }
}

/** Every group of files that import each other in a circle, as paths in import order. */
export function cycles(sources: readonly SourceFile[]): string[][] {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const found: string[][] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) found.push([...trail.slice(start), path])
    if (start >= 0 || done.has(path)) return
    for (const next of byPath.get(path)?.files ?? []) visit(next, [...trail, path])
    done.add(path)
  }
  for (const { path } of sources) visit(path, [])
  return found
}

/** Uses of global names such as `Date.now`, `console` or `setTimeout` in code (not in comments or strings). */
export function globalUses({ path, text }: SourceFile, names: readonly string[]): string[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const uses: string[] = []
  const visit = (node: ts.Node): void => {
    const name = nameOf(node)
    if (name !== undefined && names.includes(name)) {
      uses.push(`${path}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1} ${name}`)
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return uses
}

function nameOf(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    return `${node.expression.text}.${node.name.text}`
  }
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression) && (node.arguments?.length ?? 0) === 0) {
    return `new ${node.expression.text}()`
  }
  if (!ts.isIdentifier(node)) return undefined
  const { parent } = node
  const isMember = ts.isPropertyAccessExpression(parent) && parent.name === node
  return isMember || ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) ? undefined : node.text
}

function sourceOf(path: string): string {
  const base = path.replace(/\.jsx?$/, '')
  const extension = ['.ts', '.tsx'].find((candidate) => ts.sys.fileExists(join(ROOT, base + candidate)))
  return relative('.', base + (extension ?? '.ts'))
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
