import { explainVerdict, isUsable, type Verdict } from '../../core/balancer/eligibility.js'
import type { Preview } from '../../core/balancer/preview.js'
import type { Cell, Document, JsonObject, Table } from './document.js'

/** The answer of `pick`. For a static list `service` is the list as it was given. */
export function pickDocument(service: string, preview: Preview, { explain }: { explain: boolean }): Document {
  const { policy, sequence, distribution } = preview
  const json: JsonObject = {
    service,
    policy,
    picks: sequence.length,
    address: sequence.at(-1) ?? null,
    distribution,
    ...(explain ? { explain: explanation(preview) } : undefined),
  }
  return { json, table: explain ? explainTable(preview) : table(preview), plain: sequence }
}

function explanation({ upstreams }: Preview): JsonObject {
  return {
    endpoints: upstreams.map(({ upstream, verdict }) => ({
      address: upstream.endpoint.address,
      included: isUsable(verdict),
      reason: explainVerdict(verdict),
    })),
  }
}

function table({ policy, sequence, distribution }: Preview): Table {
  if (sequence.length === 1) return { columns: ['address', 'policy'], rows: [[sequence[0], policy]] }
  return {
    columns: ['address', 'weight', 'picks', 'share', 'expected'],
    rows: distribution.map(({ address, weight, picks, share, expected }) => [
      address,
      weight,
      picks,
      percent(share),
      percent(expected),
    ]),
  }
}

function explainTable({ upstreams, distribution }: Preview): Table {
  const shares = new Map(distribution.map((each) => [each.address, each]))
  return {
    columns: ['address', 'verdict', 'weight', 'picks', 'share', 'expected'],
    rows: upstreams.map(({ upstream: { endpoint }, verdict }) => {
      const share = shares.get(endpoint.address)
      return [
        endpoint.address,
        verdictCell(verdict),
        endpoint.weight,
        share?.picks,
        share && percent(share.share),
        share && percent(share.expected),
      ]
    }),
  }
}

function verdictCell(verdict: Verdict): Cell {
  const explained = explainVerdict(verdict)
  return isUsable(verdict)
    ? { text: `in: ${explained}`, color: 'green' }
    : { text: `out: ${explained}`, color: 'yellow' }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}
