import type { EndpointReport } from './report.js'

/** Everything the live view shows, at one moment. A copy: nothing in it changes later. All text is safe for a terminal. */
export interface Board {
  readonly sources: readonly SourceStatus[]
  /** One for each listener of each proxy, and for each service followed without one. */
  readonly sections: readonly Section[]
  /** Oldest first. */
  readonly events: readonly EventLine[]
  /** A line of whoever opened the view; empty without one. */
  readonly banner: string
}

/** What the view is attached to: a proxy, or the registry for one service. */
export interface SourceStatus {
  readonly name: string
  readonly state: 'connecting' | 'live' | 'away'
  /** Why it is away; empty otherwise. */
  readonly reason: string
}

/** A service and its endpoints, as one proxy's listener or the registry alone sees them. */
export interface Section {
  /** Different from every other section's, the same for as long as the view runs. */
  readonly key: string
  readonly source: SourceStatus
  readonly service: string
  /** Where its traffic comes in, and how it is spread; empty for a service followed without a proxy. */
  readonly listen: string
  readonly policy: string
  /** `static`: a fixed list of addresses, no registry. */
  readonly registry: 'static' | 'unknown' | 'live' | 'stale'
  readonly revision: string
  /** For how long the registry has been away, and why. */
  readonly staleMs: number
  readonly staleReason: string
  /** Of all endpoints; undefined for a service followed without a proxy. */
  readonly traffic: SectionTraffic | undefined
  /** Endpoints in use, and all servers. */
  readonly eligible: number
  readonly total: number
  /** What is out of the ordinary, a phrase each. */
  readonly warnings: readonly string[]
  /** Whether drain, ready and weight can be set from here. */
  readonly changeable: boolean
  readonly rows: readonly Row[]
}

export interface Figures {
  /** Begun per second. */
  readonly rate: number
  /** 0 to 1; null where nothing ended that says something. */
  readonly success: number | null
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
  readonly inFlight: number
}

export interface SectionTraffic extends Figures {
  /** What part of the traffic went elsewhere than the policy aims at, 0 to 1. */
  readonly spread: number
  readonly retries: number
  readonly ejections: number
  readonly rateTrend: Trend
}

/** One value a second, oldest first; null where there was none. */
export type Trend = readonly (number | null)[]

/** How an endpoint is, in one word's worth: what colour stands for. */
export type Tone = 'good' | 'warming' | 'resting' | 'bad' | 'gone'

export interface Row {
  /** Different from every other row's. */
  readonly key: string
  readonly address: string
  readonly zone: string
  readonly weight: number
  readonly tone: Tone
  /** `ready`, `ejected`, … */
  readonly status: string
  /** For how long, milliseconds; undefined where that says nothing. */
  readonly statusMs: number | undefined
  /** The reason; empty where there is none. */
  readonly why: string
  /** Of what the listener sent lately, 0 to 1; null without a proxy. */
  readonly share: number | null
  readonly expected: number
  /** Undefined without a proxy. */
  readonly traffic: Figures | undefined
  readonly rateTrend: Trend
  /** Of the 99th percentile, or of the checks without a proxy. Milliseconds. */
  readonly latencyTrend: Trend
  /** How long the last check took; null where there was none. */
  readonly checkMs: number | null
  readonly details: RowDetails
}

/** For a closer look: all that a proxy says, or what the registry says. */
export type RowDetails =
  | { readonly from: 'proxy'; readonly report: EndpointReport }
  | {
      readonly from: 'registry'
      readonly id: string
      readonly role: string
      readonly state: string
      /** Empty where the record has none. */
      readonly lease: string
      readonly meta: readonly (readonly [string, string])[]
    }

export interface EventLine {
  /** Different from every other event's. */
  readonly key: string
  /** Wall clock, milliseconds. */
  readonly at: number
  /** `joined`, `ejected`, … */
  readonly word: string
  readonly tone: Tone | 'neutral'
  /** An address or a service. */
  readonly subject: string
  readonly text: string
}
