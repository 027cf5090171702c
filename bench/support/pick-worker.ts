import { LoadTable } from '../../src/core/balancer/load-table.js'
import { POLICY_NAMES, type PolicyName } from '../../src/core/balancer/policies/index.js'
import type { Picker, PickRequest } from '../../src/core/balancer/policy.js'
import { choosePolicy } from '../../src/core/balancer/service-config.js'
import { Upstream } from '../../src/core/balancer/upstream.js'
import { systemRuntime } from '../../src/core/runtime.js'

/** CPU nanoseconds a pick by number of endpoints, one value a round, and milliseconds a build of the largest set. */
export interface PickTimes {
  readonly picks: Readonly<Record<number, readonly number[]>>
  readonly builds: readonly number[]
}

export const SIZES = [10, 1_000, 10_000] as const

const [policyName, rounds, equal] = process.argv.slice(2)
const PICKS = 400_000
const BUILDS = 5
const REQUESTS: readonly PickRequest[] = Array.from({ length: 4096 }, (_, i) => ({
  key: `10.${i >> 8}.${i & 255}.${(i * 7) & 255}`,
}))

/** Endpoints, of weights 1 to 10 unless they are to be equal, that are busy and were heard of at different times. */
function upstreams(count: number): Upstream[] {
  const loads = new LoadTable()
  return Array.from({ length: count }, (_, i) => {
    const host = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
    const [address, weight] = [`${host}:8080`, equal === 'equal' ? 1 : 1 + (i % 10)]
    const upstream = new Upstream(
      {
        id: address,
        address,
        host,
        port: 8080,
        weight,
        state: 'ready',
        role: 'server',
        meta: {},
      },
      loads,
    )
    upstream.begin()
    upstream.end({ ok: true, latencyMs: 1 + (i % 17) }, i % 1000)
    for (let requests = (i * 31) % 8; requests > 0; requests--) upstream.begin()
    return upstream
  })
}

function build(name: PolicyName, candidates: readonly Upstream[]): Picker {
  const { policy, config } = choosePolicy(name)
  return policy.build(candidates, config, systemRuntime)
}

/** Where a picker keeps an order by load, a pick is timed with the request's begin and end. */
function timePicks(picker: Picker): number {
  const begin = process.cpuUsage().user
  if (picker.loadChanged) {
    for (let i = 0; i < PICKS; i++) {
      const upstream = picker.pick(REQUESTS[i & 4095]!)!
      upstream.begin()
      picker.loadChanged(upstream)
      upstream.end({ ok: true }, 0)
      picker.loadChanged(upstream)
    }
  } else {
    for (let i = 0; i < PICKS; i++) {
      if (picker.pick(REQUESTS[i & 4095]!) === undefined) throw new Error('nothing was picked')
    }
  }
  return ((process.cpuUsage().user - begin) / PICKS) * 1000
}

function timeBuild(name: PolicyName, candidates: readonly Upstream[]): number {
  const begin = process.cpuUsage().user
  for (let i = 0; i < BUILDS; i++) build(name, candidates)
  return (process.cpuUsage().user - begin) / BUILDS / 1000
}

function measure(name: PolicyName, rounds: number): PickTimes {
  const pickers = SIZES.map((size) => build(name, upstreams(size)))
  for (const picker of pickers) timePicks(picker)
  const picks = Object.fromEntries(SIZES.map((size) => [size, [] as number[]]))
  for (let round = 0; round < rounds; round++) {
    SIZES.forEach((size, i) => picks[size]!.push(timePicks(pickers[i]!)))
  }
  const largest = upstreams(SIZES.at(-1)!)
  timeBuild(name, largest)
  return { picks, builds: Array.from({ length: rounds }, () => timeBuild(name, largest)) }
}

const known = POLICY_NAMES.find((each) => each === policyName)
if (process.send && known) process.send(measure(known, Number(rounds)))
