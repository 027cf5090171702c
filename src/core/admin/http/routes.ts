import type { IncomingMessage, ServerResponse } from 'node:http'
import { FairleadError } from '../../errors.js'
import { parseEndpointChange } from '../endpoint-change.js'
import { KEPT_EVENTS } from '../event-log.js'
import type { AdminSource } from '../source.js'
import type { ProcessState } from '../state.js'
import { type StateKeeper, unready } from '../state-keeper.js'
import { statePieces } from '../state-text.js'
import type { Demand } from './access.js'
import { readJson } from './body.js'
import { EVENTS_TYPE } from './event-stream.js'
import { sendJson, sendPieces } from './respond.js'

/** What answers are made from. */
export interface RouteContext {
  readonly source: AdminSource
  readonly keeper: StateKeeper
  /** Whether and how the caller's channel lets things be changed. */
  readonly actions: ProcessState['actions']
  /** Aborts when the caller has gone. */
  readonly signal: AbortSignal
  /** Begins a stream of events to the caller. Throws UNAVAILABLE where there are too many. */
  stream(response: ServerResponse, recent: number): void
}

export interface Route {
  readonly method: 'GET' | 'POST'
  readonly demand: Demand
  /** What `GET /` says of it. */
  readonly about: string
  answer(context: RouteContext, request: IncomingMessage, response: ServerResponse): Promise<void>
}

/** Every path there is; a request is matched with them as a whole, so that none leads anywhere else. */
export const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/', { method: 'GET', demand: 'read', about: 'what there is', answer: index }],
  ['/healthz', { method: 'GET', demand: 'open', about: 'whether the process answers', answer: healthz }],
  ['/readyz', { method: 'GET', demand: 'open', about: 'whether every listener knows its endpoints', answer: readyz }],
  ['/state', { method: 'GET', demand: 'read', about: 'listeners and endpoints, as JSON', answer: state }],
  ['/events', { method: 'GET', demand: 'read', about: 'what happens, a line of JSON each', answer: events }],
  ['/metrics', { method: 'GET', demand: 'read', about: 'counters for Prometheus', answer: metrics }],
  ['/config', { method: 'GET', demand: 'read', about: 'the configuration, without secrets', answer: config }],
  ['/set', { method: 'POST', demand: 'action', about: 'change weight or state of an endpoint', answer: set }],
])

async function index(_context: RouteContext, _request: IncomingMessage, response: ServerResponse): Promise<void> {
  const paths = Array.from(ROUTES, ([path, { method, about }]) => ({ method, path, about }))
  sendJson(response, 200, { paths })
}

async function healthz(_context: RouteContext, _request: IncomingMessage, response: ServerResponse): Promise<void> {
  sendJson(response, 200, { status: 'ok' })
}

async function readyz({ keeper }: RouteContext, _request: IncomingMessage, response: ServerResponse): Promise<void> {
  const listeners = await keeper.read()
  const { ready } = keeper.process(listeners, null)
  const status = ready ? 'ready' : keeper.draining ? 'draining' : 'starting'
  sendJson(response, ready ? 200 : 503, { status, unready: unready(listeners).map(({ listen }) => listen) })
}

async function state({ keeper, actions }: RouteContext, _request: IncomingMessage, response: ServerResponse) {
  await sendPieces(response, 'application/json', statePieces(await keeper.state(actions)))
}

async function events({ stream }: RouteContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { searchParams } = new URL(request.url!, 'http://localhost')
  const recent = searchParams.get('recent') ?? String(KEPT_EVENTS)
  if (!/^\d{1,9}$/.test(recent)) {
    throw new FairleadError('INVALID_ARGUMENT', `recent is ${JSON.stringify(recent)}, which is no number`)
  }
  // Who asks for the head alone waits for its end.
  if (request.method === 'HEAD') return sendPieces(response, EVENTS_TYPE, [])
  stream(response, Number(recent))
}

async function metrics({ keeper }: RouteContext, _request: IncomingMessage, response: ServerResponse) {
  const [listeners, { contentType, metricPieces }] = await Promise.all([keeper.read(), import('../metrics/text.js')])
  const process = keeper.process(listeners, null)
  await sendPieces(response, contentType, metricPieces({ listeners, process }))
}

async function config({ source }: RouteContext, _request: IncomingMessage, response: ServerResponse): Promise<void> {
  sendJson(response, 200, source.configuration())
}

async function set({ source, signal }: RouteContext, request: IncomingMessage, response: ServerResponse) {
  const change = parseEndpointChange(await readJson(request))
  if (!source.set) {
    throw new FairleadError('NOT_FOUND', 'no service of a registry is served here', {
      hint: 'a fixed list of endpoints is changed where it is written',
    })
  }
  const { id, address, weight, state } = await source.set(change, signal)
  sendJson(response, 200, { service: change.service, endpoint: { id, address, weight, state } })
}
