import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const PACKAGE = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/
const NOTICE_FILE = /^(licen[cs]e|copying|notice)(-|\.|$)/i
const INTRODUCTION =
  'The bundled command line contains code of the packages below, each under the terms that follow its name.\n'

/** The terms of every npm package whose code is in a bundle, told by esbuild's metafile: they have to go with each copy. */
export async function licensesOf({ inputs }) {
  const folders = new Set(Object.keys(inputs).flatMap((file) => PACKAGE.exec(file)?.[0] ?? []))
  const sections = await Promise.all([...folders].map(sectionOf))
  return [INTRODUCTION, ...new Set(sections.sort())].join(`\n${'-'.repeat(80)}\n\n`)
}

async function sectionOf(folder) {
  const { name, version, license, author } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const files = (await readdir(folder)).filter((file) => NOTICE_FILE.test(file)).sort()
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  if (texts.length === 0) texts.push(`Licence: ${license}\nAuthor: ${author?.name ?? author ?? 'the contributors'}`)
  return [`${name} ${version}`, ...texts.map((text) => text.trim())].join('\n\n') + '\n'
}
