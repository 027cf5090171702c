import { type Listen, targetName } from './listen.js'

/** What becomes of the listeners of a proxy when its list of them changes. */
export interface ListenerPlan<Running> {
  /** For each wanted listener, in order, how it comes about. */
  readonly wanted: readonly Step<Running>[]
  /** Those that nothing is left for. */
  readonly removed: readonly Running[]
}

export type Step<Running> =
  /** Goes on as it is. */
  | { readonly kind: 'keep'; readonly running: Running }
  /** A new one takes over the address of `running`. */
  | { readonly kind: 'replace'; readonly spec: Listen; readonly running: Running }
  | { readonly kind: 'add'; readonly spec: Listen }

/** Works out the smallest change: what is wanted as it is stays, an address that stays is never closed. */
export function planListeners<Running extends { readonly spec: Listen }>(
  running: readonly Running[],
  wanted: readonly Listen[],
): ListenerPlan<Running> {
  const left = [...running]
  const take = (matches: (spec: Listen) => boolean): Running | undefined => {
    const index = left.findIndex(({ spec }) => matches(spec))
    return index < 0 ? undefined : left.splice(index, 1)[0]
  }
  const kept = wanted.map((spec) => take((other) => sameAddress(spec, other) && sameRoute(spec, other)))
  const steps = wanted.map((spec, i): Step<Running> => {
    const same = kept[i]
    if (same) return { kind: 'keep', running: same }
    // Port 0 asks for an address of its own each time.
    const before = spec.listen.port === 0 ? undefined : take((other) => sameAddress(spec, other))
    return before ? { kind: 'replace', spec, running: before } : { kind: 'add', spec }
  })
  return { wanted: steps, removed: left }
}

function sameAddress({ listen: a }: Listen, { listen: b }: Listen): boolean {
  return a.host === b.host && a.port === b.port
}

function sameRoute(a: Listen, b: Listen): boolean {
  return (
    a.listen.scheme === b.listen.scheme &&
    a.target.kind === b.target.kind &&
    targetName(a.target) === targetName(b.target)
  )
}
