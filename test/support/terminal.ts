import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { onTestFinished } from 'vitest'

export interface Terminal {
  /** What is on the screen. */
  screen(): string
  /** Types text as it is. */
  type(text: string): void
  /** Presses a key by tmux's name for it: `Enter`, `C-c`, … */
  press(key: string): void
  resize(columns: number, rows: number): void
  /** Whether the alternate screen is on and the cursor is shown: `0 1` in a shell. */
  modes(): string
}

/** A shell in a terminal, in tmux. Ends with the test. `env` is added to its environment. */
export function openTerminal(columns = 80, rows = 24, env: Readonly<Record<string, string>> = {}): Terminal {
  const socket = `fairlead-${randomUUID()}`
  const tmux = (...args: string[]): string => {
    const { stdout, stderr, status } = spawnSync('tmux', ['-L', socket, ...args], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`tmux ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const unset = ['CI', 'CONTINUOUS_INTEGRATION', 'NO_COLOR', 'FORCE_COLOR', 'TMUX'].flatMap((name) => ['-u', name])
  const set = Object.entries({ ...env, PS1: '$ ' }).map(([name, value]) => `${name}=${value}`)
  const size = ['-x', String(columns), '-y', String(rows)]
  tmux('-f', '/dev/null', 'new-session', '-d', ...size, 'env', ...unset, ...set, 'sh')
  onTestFinished(() => void spawnSync('tmux', ['-L', socket, 'kill-server']))
  return {
    screen: () => tmux('capture-pane', '-p'),
    type: (text) => void tmux('send-keys', '-l', text),
    press: (key) => void tmux('send-keys', key),
    resize: (x, y) => void tmux('resize-window', '-x', String(x), '-y', String(y)),
    modes: () => tmux('display-message', '-p', '#{alternate_on} #{cursor_flag}').trim(),
  }
}

/** A command line that says how `command` ended, and whether the terminal reads whole lines and shows what is typed. */
export function reporting(command: string): string {
  return `echo be""fore; ${command}; echo "status=$?"; stty -a | grep -o -- '-*icanon\\|-*echo ' | tr '\\n' ' '; echo`
}
