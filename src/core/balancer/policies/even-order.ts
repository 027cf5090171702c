import type { PickRequest } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { nextAllowed, resumeAt, weightsOf } from './candidates.js'
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

  constructor(candidates: readonly Upstream[], previous?: EvenOrder) {
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
    this.#classes = Array.from(members, ([weight, upstreams]) => this.#enrol(weight, upstreams, previous))
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
    chosen.next = member + 1 === members.length ? 0 : member + 1
    return members[member]
  }

  #schedule(index: number): void {
    const { picks, owed, rate } = this.#classes[index]!
    const from = Math.floor((picks * this.#total - owed) / rate)
    const due = Math.ceil(((picks + 1) * this.#total - owed) / rate)
    this.#queue.put(index, from, due)
  }

  /** After a whole cycle the numbers are brought down again, all alike, so that they stay exact for ever. */
  #startOver(): void {
    this.#step = 0
    this.#queue.rewind(this.#total)
    for (const each of this.#classes) each.picks -= each.rate
  }

  /** A class that was there before keeps its turn and what it is owed, so that frequent updates favour nobody. */
  #enrol(weight: number, members: readonly Upstream[], previous: EvenOrder | undefined): WeightClass {
    const rate = weight * members.length
    const before = previous && previous.#classes.find((each) => each.weight === weight)
    if (!before) return { weight, rate, members, picks: 0, owed: 0, next: 0 }
    const owed = (before.owed + before.rate * previous.#step) / previous.#total - before.picks
    const next = resumeAt(members, before.members, before.next)
    return { weight, rate, members, picks: 0, owed: Math.round(owed * this.#total), next }
  }
}

/** The endpoints of one weight. */
interface WeightClass {
  readonly weight: number
  /** Picks in a cycle. */
  readonly rate: number
  readonly members: readonly Upstream[]
  /** Picks since the cycle began. */
  picks: number
  /** What it was owed when the cycle began, in picks times the total weight. */
  readonly owed: number
  /** The member whose turn is next. */
  next: number
}
