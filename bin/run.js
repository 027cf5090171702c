#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('..', import.meta.url)
const { version, engines } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
const argv = process.argv.slice(2)

if (isOlder(process.versions.node, engines.node.replace('>=', ''))) {
  process.stderr.write(
    `error: fairlead needs Node.js ${engines.node.slice(2)} or newer; this is ${process.versions.node}\n`,
  )
  process.exitCode = 1
} else if (argv.length === 1 && argv[0] === '--version') {
  process.stdout.write(`fairlead/${version} ${process.platform}-${process.arch} node-${process.version}\n`)
} else {
  const { main } = await import('../dist/cli/main.js')
  await main(argv, fileURLToPath(root))
}

/** Whether version `a` comes before `b`, both dotted numbers. */
function isOlder(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  const differing = right.findIndex((part, i) => part !== left[i])
  return differing >= 0 && left[differing] < right[differing]
}
