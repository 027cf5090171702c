import { spawnSync } from 'node:child_process'
import { describe } from 'vitest'

/** Where .ci/run puts Python packages: a virtual environment of the checkout. */
export const PYTHON = '.venv/bin/python3'
/** A Python package brings it. */
export const ENVOY = '.venv/bin/envoy'

const MODULE = /^python:(.+)$/
const found = new Map<string, boolean>()

/** Whether a program can be run on this machine: a name, a path, or `python:MODULE` for a module of Python. */
export function hasProgram(name: string): boolean {
  let known = found.get(name)
  if (known === undefined) {
    const module = MODULE.exec(name)?.[1]
    known = module === undefined ? isCommand(name) : spawnSync(PYTHON, ['-c', `import ${module}`]).status === 0
    found.set(name, known)
  }
  return known
}

function isCommand(name: string): boolean {
  return spawnSync('sh', ['-c', 'PATH="$PATH:/usr/sbin:/sbin"; command -v "$0"', name]).status === 0
}

/**
 * A suite that needs real programs. Without them it is skipped and says so; with FAIRLEAD_REQUIRE_PEERS=1 it runs all
 * the same and fails where they are missing.
 */
export function describeWithPeers(peers: readonly string[], name: string, suite: () => void): void {
  const missing = peers.filter((peer) => !hasProgram(peer))
  if (missing.length === 0 || process.env.FAIRLEAD_REQUIRE_PEERS === '1') describe(name, suite)
  else describe.skip(`${name} (skipped: ${missing.join(', ')} not installed)`, suite)
}
