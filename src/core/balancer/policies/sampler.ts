import type { Random } from '../../runtime.js'
import type { PickRequest } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { AliasTable } from './alias-table.js'
import { isExcluded, nextAllowed } from './candidates.js'
import { FastRandom } from './fast-random.js'

/** How often a draw that hit an excluded upstream is repeated before the upstreams after it are tried in turn. */
const REDRAWS = 8

/** Draws candidates at random, by weight or uniformly, in constant time. */
export class Sampler {
  readonly #candidates: readonly Upstream[]
  readonly #random: FastRandom
  /** Undefined where all weights are alike. */
  readonly #table: AliasTable | undefined

  constructor(candidates: readonly Upstream[], random: Random, weights?: Float64Array) {
    this.#candidates = candidates
    this.#random = new FastRandom(random)
    if (weights?.some((weight) => weight !== weights[0])) this.#table = new AliasTable(weights)
  }

  /** The index of a candidate that is not excluded, or -1. */
  next(request: PickRequest): number {
    let index = this.#draw()
    if (request.exclude === undefined) return index
    for (let i = 0; i < REDRAWS && isExcluded(this.#candidates[index]!, request); i++) index = this.#draw()
    return nextAllowed(this.#candidates, index, request)
  }

  #draw(): number {
    if (this.#table) return this.#table.draw(this.#random)
    return Math.floor(this.#random.next() * this.#candidates.length)
  }
}
