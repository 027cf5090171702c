import { Box, Text } from 'ink'

const KEYS: readonly (readonly [string, string])[] = [
  ['↑ ↓  j k', 'select a line; PgUp PgDn Home End (g G) move further'],
  ['⏎', 'look into an endpoint; on the line of a service: that service alone'],
  ['⇥  ⇧⇥', 'the next service, the one before, all'],
  ['s  S', 'sort by the next column; turn the order round'],
  ['/', 'filter by words of address, zone, state and service; Esc ends it'],
  ['d  r  w', 'drain it, make it ready, change its weight: in the registry, for everybody'],
  ['p', 'let the picture stand still, and go on'],
  ['?', 'this page'],
  ['q', 'quit'],
]

const LEGEND: readonly (readonly [string, string])[] = [
  ['━ ╎', 'the share an endpoint gets, and where the share ends that the policy aims at'],
  ['▁▂▅█', 'the last seconds, each line by its own highest'],
  ['OK%', 'of the answers that say something about the endpoint, over about 5 s'],
  ['P99', 'milliseconds to the head of the answer, or to the connection'],
  ['FLY', 'requests or connections under way'],
]

/** What the keys do and what the signs mean. */
export function Help({ height }: { readonly height: number }) {
  return (
    <Box flexDirection="column" height={height} overflow="hidden">
      {[...KEYS, ['', ''] as const, ...LEGEND].map(([sign, meaning], i) => (
        <Text key={i} wrap="truncate">
          <Text bold>{` ${sign.padEnd(10)}`}</Text>
          {meaning}
        </Text>
      ))}
    </Box>
  )
}
