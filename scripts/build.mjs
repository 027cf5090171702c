/**
 * Builds dist/: the library by tsc, with its npm packages left outside so that a program shares its own copies, and the
 * command line by esbuild, with everything inside and split so that a command loads nothing but its own code.
 */
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { Plugin } from '@oclif/core'
import { bundleCommandLine } from './bundle.mjs'

rmSync('dist', { recursive: true, force: true })
rmSync('oclif.manifest.json', { force: true })
const [tsc] = await Promise.all([compileLibrary(), bundleCommandLine()])
if (tsc !== 0) process.exit(tsc)
await writeManifest()

async function compileLibrary() {
  const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']
  return spawnSync(process.execPath, tsc, { stdio: 'inherit' }).status ?? 1
}

/** What oclif would otherwise find out at every start by loading every command. */
async function writeManifest() {
  const plugin = new Plugin({
    root: process.cwd(),
    type: 'core',
    ignoreManifest: true,
    errorOnManifestCreate: true,
    respectNoCacheDefault: true,
  })
  await plugin.load()
  writeFileSync('oclif.manifest.json', `${JSON.stringify(plugin.manifest, undefined, 2)}\n`)
}
