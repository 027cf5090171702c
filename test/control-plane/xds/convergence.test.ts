import { describe, expect, it } from 'vitest'
import { type DeltaResponse, DeltaSubscription } from '../../../src/core/control-plane/xds/delta-subscription.js'
import type { Resource } from '../../../src/core/control-plane/xds/resource.js'
import { type SotwResponse, SotwSubscription } from '../../../src/core/control-plane/xds/sotw-subscription.js'
import { seededRandom } from '../../support/seeded-random.js'
import { FakeSource } from './support/fake-source.js'

const NAMES = ['a', 'b', 'c', 'd']
const RUNS = 500
const STEPS = 30

/** A client that does as the protocol says, and the server's side of its subscription. */
interface Peers {
  /** Asks for these names from now on. */
  subscribe(names: ReadonlySet<string>): void
  /** Lets the server send what it has to, if the client has answered what came before. */
  send(): void
  /** The client takes in what is under way to it and answers. False: nothing is. */
  receive(): boolean
  /** The versions that the client has, by name. */
  readonly has: ReadonlyMap<string, string>
}

abstract class Client<Response extends { readonly nonce: string; readonly resources: readonly Resource[] }> {
  readonly has = new Map<string, string>()
  names: ReadonlySet<string> = new Set()
  #underWay: Response | undefined

  protected abstract take(): Response | undefined
  protected abstract answer(response: Response): void

  send(): void {
    const response = this.take()
    if (!response) return
    expect(this.#underWay).toBeUndefined()
    this.#underWay = response
  }

  receive(): boolean {
    const response = this.#underWay
    if (!response) return false
    this.#underWay = undefined
    this.answer(response)
    return true
  }

  protected keep(resources: readonly Resource[]): void {
    for (const { name, version } of resources) if (this.names.has(name)) this.has.set(name, version)
  }

  /** What is not subscribed to is forgotten. */
  protected forget(names: ReadonlySet<string>): void {
    for (const name of this.has.keys()) if (!names.has(name)) this.has.delete(name)
    this.names = names
  }
}

class SotwClient extends Client<SotwResponse> implements Peers {
  readonly #source: FakeSource
  readonly #server: SotwSubscription
  #nonce = 0
  #answered = ''

  constructor(source: FakeSource) {
    super()
    this.#source = source
    this.#server = new SotwSubscription(true, () => String(++this.#nonce))
  }

  subscribe(names: ReadonlySet<string>): void {
    this.forget(names)
    this.#request()
  }

  protected take(): SotwResponse | undefined {
    return this.#server.take(this.#source)
  }

  protected answer({ nonce, resources }: SotwResponse): void {
    this.has.clear()
    this.keep(resources)
    this.#answered = nonce
    this.#request()
  }

  #request(): void {
    this.#server.request({ resource_names: [...this.names], response_nonce: this.#answered, error_detail: null })
  }
}

class DeltaClient extends Client<DeltaResponse> implements Peers {
  readonly #source: FakeSource
  readonly #server: DeltaSubscription
  #nonce = 0

  constructor(source: FakeSource) {
    super()
    this.#source = source
    this.#server = new DeltaSubscription(true, () => String(++this.#nonce))
  }

  subscribe(names: ReadonlySet<string>): void {
    const before = this.names
    this.forget(names)
    const [added, left] = [
      [...names].filter((name) => !before.has(name)),
      [...before].filter((name) => !names.has(name)),
    ]
    this.#request(added, left, '')
  }

  protected take(): DeltaResponse | undefined {
    return this.#server.take(this.#source)
  }

  protected answer({ nonce, resources, removed }: DeltaResponse): void {
    for (const name of removed) this.has.delete(name)
    this.keep(resources)
    this.#request([], [], nonce)
  }

  #request(subscribe: readonly string[], unsubscribe: readonly string[], nonce: string): void {
    this.#server.request({
      ...{ resource_names_subscribe: subscribe, resource_names_unsubscribe: unsubscribe, response_nonce: nonce },
      ...{ initial_resource_versions: {}, error_detail: null },
    })
  }
}

describe.each([
  ['the state of the world', SotwClient],
  ['increments', DeltaClient],
])('a client that is told %s', (_form, PeersOf) => {
  it('has in the end what there is of what it asks for, whatever changes when', () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const random = seededRandom(seed)
      const draw = (n: number) => Math.floor(random.next() * n)
      const some = () => new Set(NAMES.filter(() => draw(2) === 0))
      const source = new FakeSource()
      const peers: Peers = new PeersOf(source)
      let version = 0
      let names = new Set(['a'])
      const change = () => source.set(NAMES[draw(NAMES.length)]!, draw(3) === 0 ? 'absent' : `v${++version}`)
      peers.subscribe(names)
      for (let step = 0; step < STEPS; step++) {
        const what = draw(3)
        if (what === 0) change()
        else if (what === 1) peers.receive()
        else peers.subscribe((names = some()))
        peers.send()
      }
      while (peers.receive()) peers.send()
      const there = [...names].map((name) => source.find(name)).filter((found) => typeof found === 'object')
      const expected = new Map(there.map(({ name, version }) => [name, version]))
      expect([seed, peers.has]).toEqual([seed, expected])
    }
  })
})
