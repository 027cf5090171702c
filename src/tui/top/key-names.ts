import type { Key as InkKey } from 'ink'
import type { Key } from '../../top/keys.js'

/** What Ink tells of the keyboard as keys; several where characters came in one piece. */
export function keysOf(input: string, key: InkKey): Key[] {
  if (key.ctrl) return input === 'c' ? [{ name: 'interrupt' }] : []
  if (key.upArrow) return [{ name: 'up' }]
  if (key.downArrow) return [{ name: 'down' }]
  if (key.leftArrow) return [{ name: 'backTab' }]
  if (key.rightArrow) return [{ name: 'tab' }]
  if (key.pageUp) return [{ name: 'pageUp' }]
  if (key.pageDown) return [{ name: 'pageDown' }]
  if (key.home) return [{ name: 'home' }]
  if (key.end) return [{ name: 'end' }]
  if (key.return) return [{ name: 'enter' }]
  if (key.escape) return [{ name: 'escape' }]
  if (key.tab) return [{ name: key.shift ? 'backTab' : 'tab' }]
  if (key.backspace || key.delete) return [{ name: 'backspace' }]
  if (key.meta) return []
  return [...input].flatMap((character): Key[] => {
    if (character === '\r') return [{ name: 'enter' }]
    return character < ' ' ? [] : [{ name: 'character', character }]
  })
}
