import { Text } from 'ink'
import type { Change, ViewState } from '../../top/keys.js'
import { cut, widthOf } from '../text-width.js'

interface Key {
  readonly text: string
  /** Those that are missed least are left out first: the highest ranks. */
  readonly rank: number
  /** Only where there are several services. */
  readonly forServices?: boolean
}

/** In the order of the help. */
const KEYS: readonly Key[] = [
  { text: '↑↓ select', rank: 2 },
  { text: '⏎ inspect', rank: 3 },
  { text: '⇥ service', rank: 4, forServices: true },
  { text: 's sort', rank: 8 },
  { text: '/ filter', rank: 9 },
  { text: 'd drain', rank: 5 },
  { text: 'r ready', rank: 6 },
  { text: 'w weight', rank: 7 },
  { text: 'p pause', rank: 10 },
  { text: '? help', rank: 1 },
  { text: 'q quit', rank: 0 },
]
const BY_RANK = [...KEYS].sort((a, b) => a.rank - b.rank)

export interface FooterProps {
  readonly view: ViewState
  readonly hasServices: boolean
  readonly width: number
}

/** The last line: what is asked, or which keys there are. */
export function Footer({ view, hasServices, width }: FooterProps) {
  const { page, prompt, hint } = view
  if (hint !== '') return <Text bold>{cut(` ${hint}`, width)}</Text>
  switch (prompt?.kind) {
    case 'filter':
      return <Prompt text={` / ${view.filter}▏`} keys="⏎ keep  Esc clear" width={width} />
    case 'weight':
      return (
        <Prompt
          text={` new weight of ${prompt.target.address} (now ${prompt.target.weight}): ${prompt.text}▏`}
          keys="⏎ set  Esc leave"
          width={width}
        />
      )
    case 'confirm':
      return <Prompt text={` ${question(prompt.change)}`} keys="y yes  n no" width={width} />
    case undefined:
      return <Text dimColor>{cut(page === 'table' ? keysText(width, hasServices) : PAGE_KEYS[page], width)}</Text>
  }
}

const PAGE_KEYS = {
  help: ' any key to go back  q quit',
  inspect: ' Esc back  ↑↓ another  d drain  r ready  w weight  p pause  ? help  q quit',
}

function Prompt({ text, keys, width }: { readonly text: string; readonly keys: string; readonly width: number }) {
  const room = width - widthOf(keys) - 3
  return (
    <Text wrap="truncate">
      <Text bold>{cut(text, room)}</Text>
      <Text dimColor>{`  ${keys}`}</Text>
    </Text>
  )
}

function question({ address, service, to, weight }: Change): string {
  if ('weight' in to) return `weight ${weight} -> ${to.weight} for ${address} of ${service}?`
  if (to.state === 'ready') return `make ${address} of ${service} ready?`
  return `drain ${address} of ${service}? It finishes what it has`
}

/** The keys that fit. */
function keysText(width: number, hasServices: boolean): string {
  const chosen = new Set<Key>()
  let left = width - 1
  for (const key of BY_RANK) {
    if (key.forServices && !hasServices) continue
    left -= widthOf(key.text) + 2
    if (left < 0) break
    chosen.add(key)
  }
  const texts = KEYS.filter((key) => chosen.has(key)).map(({ text }) => text)
  return ` ${texts.join('  ')}`
}
