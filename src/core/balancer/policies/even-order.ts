import type { PickRequest } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { nextAllowed, weightsOf } from './candidates.js'
import { DueQueue } from './due-queue.js'

/** How many turns a request lets pass to endpoints it has already failed on before it takes one from the list. */
const PASSES = 8

/**
 * A weighted order that never strays from any endpoint's ideal share by a whole pick, in O(log w) a step, w being the
 * number of different weights (1000 at most). Endpoints of one weight form a class and take its picks in turn; among
 * classes, the c-th pick of a class of rate r may be made from step (c − 1)/r on and must be by step c/r, and the one due
 * first is made. One pick a step always meets that, as each is a unit job and the rates add up to one (Baruah et al.,
 * "Proportionate progress", 1996).
 */
export class EvenOrder {
  readonly #candidates: readonly Upstream[]
  readonly #classes: readonly WeightClass[]
  /** The weight of all endpoints, and the number of steps after which everything repeats. */
  readonly #total: number
  #step = 0
  /** Every class with its next pick. */
  readonly #queue: DueQueue

  /** @param owed what endpoints were owed before, in picks, so that frequent updates favour nobody */
  constructor(candidates: readonly Upstream[], owed?: ReadonlyMap<Upstream, number>) {
    const weights = weightsOf(candidates)
    this.#candidates = candidates
    this.#total = weights.reduce((sum, weight) => sum + weight, 0)
    const members = new Map<number, Upstream[]>()
    candidates.forEach((upstream, i) => {
      const weight = weights[i]!
      const others = members.get(weight)
      if (others) others.push(upstream)
      else members.set(weight, [upstream])
    })
    this.#classes = Array.from(members, ([weight, upstreams]) => this.#enrol(weight, upstreams, owed))
    this.#queue = new DueQueue(members.size)
    this.#classes.forEach((_, index) => this.#schedule(index))
  }

  next(request: PickRequest): Upstream | undefined {
    for (let pass = 0; pass < PASSES; pass++) {
      const upstream = this.#take(request)
      if (upstream) return upstream
    }
    return this.#candidates[nextAllowed(this.#candidates, 0, request)]
  }

  /** What each endpoint is owed by now, in picks. */
  owed(): ReadonlyMap<Upstream, number> {
    const owed = new Map<Upstream, number>()
    for (const { weight, members, credits, rounds, next } of this.#classes) {
      const due = (weight * this.#step) / this.#total
      members.forEach((upstream, i) => owed.set(upstream, credits[i]! + due - rounds - (i < next ? 1 : 0)))
    }
    return owed
  }

  /** Gives the step to a class and returns its member in turn, or undefined when all of them are excluded. */
  #take(request: PickRequest): Upstream | undefined {
    const index = this.#queue.take(this.#step)
    const chosen = this.#classes[index]!
    chosen.picks++
    this.#step++
    this.#schedule(index)
    if (this.#step === this.#total) this.#startOver()

    const { members } = chosen
    const member = nextAllowed(members, chosen.next, request)
    if (member < 0) return undefined
    while (chosen.next !== member) {
      chosen.credits[chosen.next]!++
      advance(chosen)
    }
    advance(chosen)
    return members[member]
  }

  #schedule(index: number): void {
    const { picks, credit, rate } = this.#classes[index]!
    const from = Math.floor((picks * this.#total - credit) / rate)
    const due = Math.ceil(((picks + 1) * this.#total - credit) / rate)
    this.#queue.put(index, from, due)
  }

  /** After a whole cycle the numbers are brought down again, all alike, so that they stay exact for ever. */
  #startOver(): void {
    this.#step = 0
    this.#queue.rewind(this.#total)
    for (const each of this.#classes) {
      each.picks -= each.rate
      each.rounds -= each.weight
    }
  }

  /** Of the endpoints those that are owed most come first. */
  #enrol(weight: number, upstreams: readonly Upstream[], owed?: ReadonlyMap<Upstream, number>): WeightClass {
    const owedTo = (upstream: Upstream) => owed?.get(upstream) ?? 0
    const members = owed ? upstreams.toSorted((a, b) => owedTo(b) - owedTo(a)) : upstreams
    const credits = Float64Array.from(members, owedTo)
    const credit = Math.round(credits.reduce((sum, each) => sum + each, 0) * this.#total)
    return { weight, rate: weight * members.length, members, credits, credit, picks: 0, rounds: 0, next: 0 }
  }
}

/** The endpoints of one weight. */
interface WeightClass {
  readonly weight: number
  /** Picks in a cycle. */
  readonly rate: number
  readonly members: readonly Upstream[]
  /** What each member was owed in the beginning, and for the turns it was passed over in, in picks. */
  readonly credits: Float64Array
  /** What all were owed in the beginning, in picks times the total weight. */
  readonly credit: number
  /** Picks since the cycle began. */
  picks: number
  /** How often all members have had a turn, less what they were to have by the time the cycle began. */
  rounds: number
  /** The member whose turn is next. */
  next: number
}

function advance(chosen: WeightClass): void {
  chosen.next++
  if (chosen.next < chosen.members.length) return
  chosen.next = 0
  chosen.rounds++
}
