/** Runs the benchmarks: `npm run bench -- [--only NAME[,NAME]] [--rounds N] [--check]`. */
import { readdirSync } from 'node:fs'
import { register } from 'tsx/esm/api'

register()
const { main } = await import('./support/runner.ts')
const modules = readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.bench.ts'))
process.exitCode = await main(
  process.argv.slice(2),
  modules.sort().map((name) => new URL(name, import.meta.url).href),
)
