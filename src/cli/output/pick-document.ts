import { explainVerdict, isUsable } from '../../core/balancer/eligibility.js'
import type { Preview } from '../../core/balancer/preview.js'
import type { Cell, Document, JsonObject, Table } from './document.js'

/** The answer of `pick`. For a static list `service` is the list as it was given. */
export function pickDocument(service: string, preview: Preview, { explain }: { explain: boolean }): Document {
  const { policy, sequence, distribution } = preview
  const json: JsonObject = {
    ...{ service, policy, picks: sequence.length, address: sequence.at(-1) ?? null, distribution },
    ...(explain ? { explain: explanation(preview) } : undefined),
  }
  return { json, table: explain ? explainTable(preview) : table(preview), plain: sequence }
}

function explanation({ upstreams }: Preview): JsonObject {
  return {
    endpoints: upstreams.map(({ upstream, verdict }) => ({
      ...{ address: upstream.endpoint.address, included: isUsable(verdict), reason: explainVerdict(verdict) },
    })),
  }
}

function table({ policy, sequence, distribution }: Preview): Table {
  if (sequence.length === 1) return { columns: ['address', 'policy'], rows: [[sequence[0], policy]] }
  return {
    columns: ['address', 'weight', 'picks', 'share', 'expected'],
    rows: distribution.map(({ address, weight, picks, share, expected }) => [
      ...[address, weight, picks, percent(share), percent(expected)],
    ]),
  }
}

function explainTable({ upstreams, distribution }: Preview): Table {
  const shares = new Map(distribution.map((each) => [each.address, each]))
  return {
    columns: ['address', 'verdict', 'weight', 'picks', 'share', 'expected'],
    rows: upstreams.map(({ upstream: { endpoint }, verdict }): Cell[] => {
      const share = shares.get(endpoint.address)
      const text = `${isUsable(verdict) ? 'in' : 'out'}: ${explainVerdict(verdict)}`
      return [
        ...[endpoint.address, { text, color: isUsable(verdict) ? 'green' : 'yellow' } as const, endpoint.weight],
        ...(share ? [share.picks, percent(share.share), percent(share.expected)] : []),
      ]
    }),
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}
