import type { Upstream } from '../upstream.js'
import { LoadFactor } from './load-factor.js'
import { scaleWeights } from './weights.js'

/** How far one step goes: the logarithm of a weight makes up so much of what it is off by. */
const GAIN = 0.3
/** The most that one step changes the logarithm of a weight by. */
const LONGEST_STEP = 0.35
/** The most that load changes the logarithm of a weight by, from what the registry says: a factor of ten, either way. */
const FARTHEST = Math.log(10)
/** Figures this close to their mean are alike: reporters say nothing of changes below 0.05. */
const TOLERANCE = 0.03
/** Lower figures count as this one: there is no telling how much faster an idle instance could be. */
const LEAST_LOAD = 0.05

/*
 * Weights from the load figures of records. gRFC A58's weight is requests per second over utilization: what an instance could
 * serve. A record says the utilization only. What an instance is sent is in proportion to its weight, whoever sends it: so
 * requests per second are weight · traffic, traffic is the same for all, and since only the proportions of weights count
 *
 *     weight' = weight / utilization
 *
 * It stays as it is where all utilizations are alike, and only there: that is what it comes to rest at. Servers of different
 * speed get weights in proportion to their speed; one that has other things to do as well gets less.
 *
 * A figure is smoothed, rounded and seconds old, and until it tells of a step the same error shows. Taken at full length, step
 * upon step, that would swing ever farther. So a step goes a part of the way (in logarithms, so that up and down are the
 * same), one for each new figure; no more than one per REPEAT_MS without a new one, which is what brings instances down whose
 * figure is at its limit. Differences below what figures can tell lead to no step: at rest, weights stand still. And without
 * traffic they do too, since then nothing that is done to them can show.
 */

/**
 * Takes one step, where there is traffic to see its effect. Factors of endpoints without a figure are forgotten; instances that
 * have had one for less than `blackoutMs`, and those that are on their way into use, are left alone.
 */
export function balanceFigures(
  upstreams: readonly Upstream[],
  blackoutMs: number,
  now: number,
  hasTraffic: boolean,
): void {
  for (const upstream of upstreams) {
    if (upstream.endpoint.load === undefined) upstream.loadFactor = undefined
    else upstream.loadFactor ??= new LoadFactor(now)
  }
  const known = upstreams.filter(({ loadFactor }) => loadFactor && now - loadFactor.since >= blackoutMs)
  if (!hasTraffic || known.length < 2) return
  let isMoved = false
  const mean = average(known.map(({ endpoint }) => endpoint.load!))
  for (const { endpoint, loadFactor, ramp } of known) {
    const load = endpoint.load!
    if (ramp !== undefined || !loadFactor!.takes(load, now) || Math.abs(load - mean) <= TOLERANCE) continue
    const step = GAIN * Math.log(Math.max(mean, LEAST_LOAD) / Math.max(load, LEAST_LOAD))
    loadFactor!.log += clamp(step, LONGEST_STEP)
    isMoved = true
  }
  if (!isMoved) return
  // The mean stays where endpoints without a figure are.
  const center = average(known.map(({ loadFactor }) => loadFactor!.log))
  for (const { loadFactor } of known) loadFactor!.log = clamp(loadFactor!.log - center, FARTHEST)
}

/** The registry's weights as figures have changed them, scaled as reported ones are; undefined where they have not. */
export function figureWeights(upstreams: readonly Upstream[]): number[] | undefined {
  const logs = upstreams.map(({ endpoint, loadFactor }) => (endpoint.load === undefined ? 0 : (loadFactor?.log ?? 0)))
  if (logs.every((log) => log === 0)) return undefined
  return scaleWeights(upstreams.map(({ endpoint }, i) => (endpoint.weight || 1) * Math.exp(logs[i]!)))
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function clamp(value: number, most: number): number {
  return Math.max(-most, Math.min(most, value))
}
