#!/usr/bin/env node
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { main } = await import('../dist/cli/main.js')
await main(process.argv.slice(2), root)
