import { explainVerdict, isUsable } from '../../core/balancer/eligibility.js'
import type { Preview, PreviewShare } from '../../core/balancer/preview.js'
import type { SkippedRecord } from '../../core/model/snapshot.js'
import type { LeaseInfo } from '../../core/registry/store.js'
import type { Cell, Document, JsonObject, Table } from './document.js'
import { policyCells, policyJson, skippedCells, ttlCell, verdictCell } from './explanation.js'
import { withShareBars } from './share-bars.js'

export interface PickDocumentOptions {
  readonly explain: boolean
  readonly skipped: readonly SkippedRecord[]
  /** What is left of the endpoints' leases, by address. */
  readonly times: ReadonlyMap<string, LeaseInfo>
  /** Columns of the terminal that the answer is drawn on; undefined where it is not drawn. */
  readonly terminalColumns: number | undefined
}

/** The answer of `pick`. For a static list `service` is the list as it was given. */
export function pickDocument(service: string, preview: Preview, options: PickDocumentOptions): Document {
  const { sequence, distribution, chiSquare, origin } = preview
  const json: JsonObject = {
    service,
    policy: origin.policy,
    picks: sequence.length,
    address: sequence.at(-1) ?? null,
    distribution,
    ...(sequence.length > 1 ? { chiSquare: chiSquare ?? null } : undefined),
    ...(options.explain ? { explain: explanation(preview, options) } : undefined),
  }
  return { json, table: table(preview, options), plain: sequence }
}

function explanation({ origin, upstreams }: Preview, { skipped, times }: PickDocumentOptions): JsonObject {
  return {
    policy: policyJson(origin),
    endpoints: upstreams.map(({ upstream: { endpoint }, verdict }) => ({
      address: endpoint.address,
      included: isUsable(verdict),
      reason: explainVerdict(verdict),
      ttl: times.get(endpoint.address)?.remainingSeconds,
    })),
    skipped,
  }
}

function table(preview: Preview, options: PickDocumentOptions): Table {
  const { origin, sequence, distribution } = preview
  if (options.explain) return drawn(explainTable(preview, options), preview, options)
  if (sequence.length === 1) return { columns: ['address', 'policy'], rows: [[sequence[0], origin.policy]] }
  const columns = ['address', 'weight', 'picks', 'share', 'expected']
  return drawn({ columns, rows: distribution.map((each) => [each.address, ...shareCells(each)]) }, preview, options)
}

function drawn(table: Table, { sequence, distribution }: Preview, { terminalColumns }: PickDocumentOptions): Table {
  if (terminalColumns === undefined || sequence.length < 2) return table
  return withShareBars(table, distribution, terminalColumns)
}

/** Every endpoint with the reason, then what does not count, then where the policy comes from. */
function explainTable({ origin, upstreams, distribution }: Preview, { skipped, times }: PickDocumentOptions): Table {
  const shares = new Map(distribution.map((each) => [each.address, each]))
  return {
    columns: ['what', 'verdict', 'ttl', 'weight', 'picks', 'share', 'expected'],
    rows: [
      ...upstreams.map(({ upstream: { endpoint }, verdict }): Cell[] => {
        const share = shares.get(endpoint.address)
        return [
          endpoint.address,
          verdictCell(isUsable(verdict), explainVerdict(verdict)),
          ttlCell(times.get(endpoint.address)),
          ...(share ? shareCells(share) : [endpoint.weight]),
        ]
      }),
      ...skipped.map(skippedCells),
      policyCells(origin),
    ],
  }
}

function shareCells({ weight, picks, share, expected }: PreviewShare): Cell[] {
  return [weight, picks, percent(share), percent(expected)]
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}
