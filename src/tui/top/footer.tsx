import { Text } from 'ink'
import type { Change, ViewState } from '../../top/keys.js'
import { cut, widthOf } from '../text-width.js'

/** What is shown of the keys, the first that fit; those that are missed least come last. `services`: only where there are several. */
const KEYS: readonly (readonly [keys: string, when: 'always' | 'services'])[] = [
  ['q quit', 'always'],
  ['? help', 'always'],
  ['↑↓ select', 'always'],
  ['⏎ inspect', 'always'],
  ['⇥ service', 'services'],
  ['d drain', 'always'],
  ['r ready', 'always'],
  ['w weight', 'always'],
  ['s sort', 'always'],
  ['/ filter', 'always'],
  ['p pause', 'always'],
]
const ORDER = [
  '↑↓ select',
  '⏎ inspect',
  '⇥ service',
  's sort',
  '/ filter',
  'd drain',
  'r ready',
  'w weight',
  'p pause',
  '? help',
  'q quit',
]

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

/** The keys that fit, in the order of the help. */
function keysText(width: number, hasServices: boolean): string {
  const chosen = new Set<string>()
  let left = width - 1
  for (const [text, when] of KEYS) {
    if (when === 'services' && !hasServices) continue
    if (widthOf(text) + 2 > left) break
    left -= widthOf(text) + 2
    chosen.add(text)
  }
  return ` ${ORDER.filter((text) => chosen.has(text)).join('  ')}`
}
