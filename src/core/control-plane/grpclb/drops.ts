/** How far the share of drops in a list may be from what was asked for, as a part of it, before a longer list is tried. */
const TOLERANCE = 0.01

/**
 * A list with so many per cent of drops, evenly spread, and the entries around them in their order, as often as it takes to
 * come near that share. At most `limit` entries in all, or the entries and one drop. 100: nothing but a drop.
 */
export function withDrops<Entry>(
  entries: readonly Entry[],
  percent: number,
  drop: Entry,
  limit: number,
): readonly Entry[] {
  if (percent <= 0 || entries.length === 0) return entries
  if (percent >= 100) return [drop]
  const { rounds, drops } = bestMix(entries.length, percent / 100, limit)
  const total = rounds * entries.length + drops
  const list: Entry[] = []
  let taken = 0
  for (let place = 1; place <= total; place++) {
    const due = Math.floor((place * drops) / total)
    if (due > place - 1 - taken) list.push(drop)
    else list.push(entries[taken++ % entries.length]!)
  }
  return list
}

/** How often to repeat the entries, and how many drops to add, at least one. */
function bestMix(count: number, share: number, limit: number): { rounds: number; drops: number } {
  let best = { rounds: 1, drops: 1 }
  let least = Infinity
  for (let rounds = 1; ; rounds++) {
    if (rounds > 1 && rounds * count >= limit) return best
    const room = limit - rounds * count
    const drops = Math.max(1, Math.min(room, Math.round((rounds * count * share) / (1 - share))))
    const total = rounds * count + drops
    const error = Math.abs(drops / total - share) / share
    if (error < least) [best, least] = [{ rounds, drops }, error]
    if (least <= TOLERANCE) return best
  }
}
