import { spawnSync } from 'node:child_process'
import { describe } from 'vitest'

const found = new Map<string, boolean>()

/** Whether a program can be run on this machine. */
export function hasProgram(name: string): boolean {
  let known = found.get(name)
  if (known === undefined) {
    known = spawnSync('sh', ['-c', 'PATH="$PATH:/usr/sbin:/sbin"; command -v "$0"', name]).status === 0
    found.set(name, known)
  }
  return known
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
