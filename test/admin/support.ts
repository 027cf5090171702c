import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import type { EndpointChange, ProxySource } from '../../src/core/admin/proxy/source.js'
import { proxyAdminSource } from '../../src/core/admin/proxy/admin-source.js'
import { type Admin, createAdmin } from '../../src/core/admin/start.js'
import type { FairleadError } from '../../src/core/errors.js'
import type { ProxyEvent } from '../../src/core/proxy/events.js'
import type { ListenerReading } from '../../src/core/proxy/reading.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { cleanup } from '../proxy/support.js'
import { endpointReading, listenerReading } from '../support/readings.js'

export const TOKEN = 'a-secret-of-some-length'

/** What an admin endpoint shows in a test. */
export class TestSource implements ProxySource {
  readonly workers = 1
  listeners: readonly ListenerReading[] = [listenerReading([endpointReading('10.0.0.1:80')])]
  failure: FairleadError | undefined
  readonly changes: EndpointChange[] = []
  /** Absent: nothing can be set. */
  set: ProxySource['set'] = async (change) => {
    if (this.failure) throw this.failure
    this.changes.push(change)
    const { address, weight = 1, state = 'ready' } = change
    return { id: address, address, host: '10.0.0.1', port: 80, weight, state, role: 'server', meta: {} }
  }
  readonly #observers = new Set<(event: ProxyEvent) => void>()

  async read(): Promise<readonly ListenerReading[]> {
    if (this.failure) throw this.failure
    return this.listeners
  }

  subscribe(observer: (event: ProxyEvent) => void): () => void {
    this.#observers.add(observer)
    return () => void this.#observers.delete(observer)
  }

  emit(event: ProxyEvent): void {
    for (const observer of this.#observers) observer(event)
  }

  configuration() {
    return { proxy: { listen: ['8080=web'] } }
  }
}

/** An admin endpoint of a proxy, which does not listen yet; closed after the test. */
export function testAdmin(source: ProxySource, token?: string): Admin {
  const facts = { version: '1.2.3', pid: 42 }
  const admin = createAdmin(proxyAdminSource(source, facts, systemRuntime), { token }, systemRuntime)
  cleanup(() => admin.close())
  return admin
}

export interface TestAdmin {
  readonly admin: Admin
  readonly source: TestSource
  readonly port: number
}

/** An admin endpoint on a free port of 127.0.0.1; closed after the test. */
export async function startTestAdmin(token?: string, host = '127.0.0.1'): Promise<TestAdmin> {
  const source = new TestSource()
  const admin = testAdmin(source, token)
  const url = await admin.listen({ host, port: 0 })
  return { admin, source, port: Number(/:(\d+)$/.exec(url)![1]) }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The body as JSON. */
  readonly json: Record<string, unknown> & { readonly error?: { readonly code: string; readonly hint?: string } }
}

export interface Question {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string
}

/** Asks an admin endpoint, by its port or the path of its socket. */
export function ask(where: number | string, path: string, question: Question = {}): Promise<Answer> {
  const place = typeof where === 'number' ? { host: '127.0.0.1', port: where } : { socketPath: where }
  const { method = 'GET', headers = {}, body } = question
  return new Promise((resolve, reject) => {
    const options = { ...place, path, method, headers, agent: false as const }
    const asked = request(options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('error', reject)
      response.on('end', () => {
        const json = text.startsWith('{') ? (JSON.parse(text) as Answer['json']) : {}
        resolve({ status: response.statusCode!, headers: response.headers, body: text, json })
      })
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

export const asJson = (body: unknown, headers: OutgoingHttpHeaders = {}): Question => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})
export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
