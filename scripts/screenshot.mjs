/**
 * Prints what `fairlead demo` looks like in a terminal while one of its endpoints is away: `node scripts/screenshot.mjs [COLUMNS [ROWS]]`.
 * Needs tmux and a build.
 */
import { spawnSync } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'

const [columns = '80', rows = '24'] = process.argv.slice(2)
const TIMEOUT_MS = 60_000
const LOOK_MS = 200

const socket = `fairlead-screenshot-${process.pid}`
function tmux(...args) {
  const { stdout, stderr, status } = spawnSync('tmux', ['-L', socket, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`tmux ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** The weights 1 and 2 have what they are due while the third is away: a third and two thirds. */
function isTheMoment(screen) {
  return /has finished and ended/.test(screen) && / 33\.\d%/.test(screen) && / 66\.\d%/.test(screen)
}

async function shoot() {
  const end = performance.now() + TIMEOUT_MS
  while (performance.now() < end) {
    const screen = tmux('capture-pane', '-p')
    if (isTheMoment(screen)) return screen
    await pause(LOOK_MS)
  }
  throw new Error(`the demo did not come to the moment within ${TIMEOUT_MS / 1000} s`)
}

const unset = ['CI', 'CONTINUOUS_INTEGRATION', 'TMUX'].flatMap((name) => ['-u', name])
const demo = ['env', ...unset, process.execPath, 'bin/run.js', 'demo', '--for', '40s']
tmux('-f', '/dev/null', 'new-session', '-d', '-x', columns, '-y', rows, ...demo)
try {
  console.log((await shoot()).trimEnd())
  tmux('send-keys', 'q')
} finally {
  // The processes of the demo end with its terminal.
  await pause(1000)
  spawnSync('tmux', ['-L', socket, 'kill-server'])
}
