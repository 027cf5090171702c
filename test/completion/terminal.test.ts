import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { describeWithPeers } from '../support/peers.js'
import { openPlayground, type Playground } from './support.js'

const SOON = { timeout: 20_000, interval: 100 }
const SHELLS: Readonly<Record<string, { readonly args: readonly string[]; readonly start: string }>> = {
  bash: { args: ['--norc', '--noprofile', '-i'], start: '. ./completion.bash' },
  zsh: { args: ['-f', '-i'], start: 'autoload -U compinit; compinit -u -D; . ./completion.zsh' },
}

/** What is typed before the key, and what stands there after it. */
const COMPLETED: readonly (readonly [typed: string, line: string])[] = [
  ['fairlead dereg', 'fairlead deregister _'],
  ['fairlead config un', 'fairlead config unset _'],
  ['fairlead help config un', 'fairlead help config unset _'],
  ['fairlead serve boo', 'fairlead serve bootstrap _'],
  ['fairlead serve --js', 'fairlead serve --json _'],
  ['fairlead serve bootstrap --js', 'fairlead serve bootstrap --json _'],
  ['fairlead resolve webh', 'fairlead resolve webhook _'],
  ['fairlead config get webh', 'fairlead config get webhook _'],
  ['true | A=1 fairlead resolve --prefix=/dev st', 'true | A=1 fairlead resolve --prefix=/dev staging _'],
  ['fairlead set web 10.0.0.6:', 'fairlead set web 10.0.0.6:8080 _'],
  ['fairlead proxy 8080=api 8081=webh', 'fairlead proxy 8080=api 8081=webhook _'],
  ['fairlead pick web --policy=ring', 'fairlead pick web --policy=ring_hash _'],
  ['fairlead pick web --policy ring', 'fairlead pick web --policy ring_hash _'],
  ['fairlead resolve web -o ya', 'fairlead resolve web -o yaml _'],
  ['fairlead wait web --for end', 'fairlead wait web --for endpoints=_'],
  ['fairlead resolve --cacert files/c', 'fairlead resolve --cacert files/ca.pem _'],
  ['fairlead resolve web --exp', 'fairlead resolve web --explain _'],
]

for (const [shell, { args, start }] of Object.entries(SHELLS)) {
  describeWithPeers(['tmux', shell], `completion in ${shell} on a terminal`, () => {
    let playground: Playground
    let socket: string
    beforeAll(async () => {
      playground = await openPlayground()
      writeFileSync(join(playground.folder, 'start'), `unset HISTFILE\n${start}\nPS1='ready> '\nclear\n`)
    })
    afterAll(() => playground.close())

    function tmux(...words: string[]): string {
      const { stdout, stderr, status } = spawnSync('tmux', ['-L', socket, ...words], { encoding: 'utf8' })
      if (status !== 0) throw new Error(`tmux ${words.join(' ')}: ${stderr}`)
      return stdout
    }
    const screen = () => tmux('capture-pane', '-p')
    const type = (text: string) => tmux('send-keys', '-l', text)

    beforeEach(async () => {
      socket = `fairlead-${randomUUID()}`
      const { folder, env } = playground
      const words = Object.entries(env).map(([name, value]) => `${name}=${value}`)
      const session = ['new-session', '-d', '-x', '120', '-y', '30', '-c', folder]
      tmux('-f', '/dev/null', ...session, 'env', '-i', ...words, 'TERM=screen', 'PS1=up> ', shell, ...args)
      await vi.waitFor(() => expect(screen()).toMatch(/^up> $|^up>$/m), SOON)
      type('. ./start\r')
      await vi.waitFor(() => expect(screen()).toMatch(/^ready>/), SOON)
    })
    afterEach(() => {
      spawnSync('tmux', ['-L', socket, 'kill-server'])
    })

    it('finishes what was begun', { timeout: 120_000 }, async () => {
      for (const [typed, line] of COMPLETED) {
        // What is typed after the key shows where the cursor is left.
        type(`${typed}\t`)
        type('_')
        await vi.waitFor(() => expect(screen().trimEnd().split('\n').at(-1)).toBe(`ready> ${line}`), SOON)
        tmux('send-keys', 'C-c')
        await vi.waitFor(() => expect(screen().trimEnd()).toMatch(/\nready>$/), SOON)
      }
    })

    it('lists what there is to choose from', async () => {
      type('fairlead deregister web \t\t\t')
      await vi.waitFor(() => expect(screen()).toMatch(/10\.0\.0\.5:8080[^]*10\.0\.0\.6:8080/), SOON)
    })
  })
}
