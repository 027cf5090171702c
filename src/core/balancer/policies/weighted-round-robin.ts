import type { LoadWeightRules } from '../orca/weights.js'
import type { Picker, PickRequest, Policy } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { booleanField, configFields, durationField, hasField, numberField } from './config.js'
import { EvenOrder } from './even-order.js'
import { SmoothOrder } from './smooth-order.js'

/** Up to this many endpoints nginx's order is kept; it costs a look at each of them for every pick. */
const SMOOTH_LIMIT = 128

const NAME = 'weighted_round_robin'
/** gRPC's least time between two updates of the weights, milliseconds (gRFC A58), and ours between two reports of an endpoint. */
const MIN_UPDATE_MS = 100

/** The fields of which any one asks for weights by load. */
const ASKING = [
  'enableOobLoadReport',
  'oobReportingPeriod',
  'blackoutPeriod',
  'weightExpirationPeriod',
  'weightUpdatePeriod',
  'errorUtilizationPenalty',
]

/** Undefined: the weights are the registry's. */
type Config = LoadWeightRules | undefined

/**
 * In turn, each endpoint in proportion to its weight and spread as evenly as can be. With any field of gRPC's
 * `WeightedRoundRobinLbConfig` (gRFC A58) the weights come from the load of endpoints instead of from the registry alone: from
 * their reports, which are read from responses and, with `enableOobLoadReport`, from streams of their own as well; where
 * fewer than two endpoints make any, from the load figures of their records, of which only `blackoutPeriod` and
 * `weightUpdatePeriod` hold.
 */
export const weightedRoundRobin: Policy<Config> = {
  name: NAME,
  share: 'weight',
  parseConfig,
  loadWeights: (config) => config,
  build(candidates, _config, _runtime, previous) {
    const Order = candidates.length <= SMOOTH_LIMIT ? SmoothOrder : EvenOrder
    const owed = previous instanceof WeightedRoundRobinPicker ? previous.order.owed() : undefined
    return new WeightedRoundRobinPicker(new Order(candidates, owed))
  },
}

function parseConfig(raw: unknown): Config {
  const fields = configFields(NAME, raw)
  const blackoutMs = durationField(NAME, fields, 'blackoutPeriod')
  const expirationMs = durationField(NAME, fields, 'weightExpirationPeriod')
  const updateMs = durationField(NAME, fields, 'weightUpdatePeriod')
  const errorUtilizationPenalty = numberField(NAME, fields, 'errorUtilizationPenalty')
  const oobMs = durationField(NAME, fields, 'oobReportingPeriod')
  const isOob = booleanField(NAME, fields, 'enableOobLoadReport')
  if (!hasField(fields, ASKING)) return undefined
  return {
    blackoutMs: blackoutMs ?? 10_000,
    expirationMs: expirationMs ?? 180_000,
    updateMs: Math.max(MIN_UPDATE_MS, updateMs ?? 1000),
    errorUtilizationPenalty: errorUtilizationPenalty ?? 1,
    oobMs: isOob ? Math.max(MIN_UPDATE_MS, oobMs ?? 10_000) : undefined,
  }
}

class WeightedRoundRobinPicker implements Picker {
  constructor(readonly order: SmoothOrder | EvenOrder) {}

  pick(request: PickRequest): Upstream | undefined {
    return this.order.next(request)
  }
}
