import type { IncomingMessage, ServerResponse } from 'node:http'
import { FairleadError } from '../../errors.js'
import { KEPT_EVENTS } from '../event-log.js'
import type { AdminSource } from '../source.js'
import { EVENTS_TYPE } from './event-stream.js'
import { sendJson, sendPieces } from './respond.js'
import type { Caller, Route } from './route.js'

/** Begins a stream of events to the caller. Throws UNAVAILABLE where there are too many. */
export type OpenStream = (response: ServerResponse, recent: number) => void

/** Every path there is; a request is matched with them as a whole, so that none leads anywhere else. */
export function routesOf(source: AdminSource, openStream: OpenStream): ReadonlyMap<string, Route> {
  const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
    ['/', { method: 'GET', demand: 'read', about: 'what there is', answer: index }],
    ['/healthz', { method: 'GET', demand: 'open', about: 'whether the process answers', answer: healthz }],
    ['/readyz', { method: 'GET', demand: 'open', about: 'whether it knows what it needs', answer: readyz }],
    ['/state', { method: 'GET', demand: 'read', about: 'how everything is, as JSON', answer: state }],
    ['/events', { method: 'GET', demand: 'read', about: 'what happens, a line of JSON each', answer: events }],
    ['/metrics', { method: 'GET', demand: 'read', about: 'counters for Prometheus', answer: metrics }],
    ['/config', { method: 'GET', demand: 'read', about: 'the configuration, without secrets', answer: config }],
    ...source.routes,
  ])
  return routes

  async function index(_request: IncomingMessage, response: ServerResponse): Promise<void> {
    const paths = Array.from(routes, ([path, { method, about }]) => ({ method, path, about }))
    sendJson(response, 200, { paths })
  }

  async function healthz(_request: IncomingMessage, response: ServerResponse): Promise<void> {
    sendJson(response, 200, { status: 'ok' })
  }

  async function readyz(_request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, unready } = await source.readiness()
    sendJson(response, status === 'ready' ? 200 : 503, { status, unready })
  }

  async function state(_request: IncomingMessage, response: ServerResponse, { actions }: Caller): Promise<void> {
    await sendPieces(response, 'application/json', await source.state(actions))
  }

  async function events(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { searchParams } = new URL(request.url!, 'http://localhost')
    const recent = searchParams.get('recent') ?? String(KEPT_EVENTS)
    if (!/^\d{1,9}$/.test(recent)) {
      throw new FairleadError('INVALID_ARGUMENT', `recent is ${JSON.stringify(recent)}, which is no number`)
    }
    // Who asks for the head alone waits for its end.
    if (request.method === 'HEAD') return sendPieces(response, EVENTS_TYPE, [])
    openStream(response, Number(recent))
  }

  async function metrics(_request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [series, { contentType, metricPieces }] = await Promise.all([source.metrics(), import('../metrics/text.js')])
    await sendPieces(response, contentType, metricPieces(series))
  }

  async function config(_request: IncomingMessage, response: ServerResponse): Promise<void> {
    sendJson(response, 200, source.configuration())
  }
}
