import { beforeEach, describe, expect, it } from 'vitest'
import { DeltaSubscription } from '../../../src/core/control-plane/xds/delta-subscription.js'
import { MAX_NAMES } from '../../../src/core/control-plane/xds/subscription.js'
import { FakeSource } from './support/fake-source.js'

let source: FakeSource
let subscription: DeltaSubscription

beforeEach(() => {
  source = new FakeSource()
  let nonce = 0
  subscription = new DeltaSubscription(true, () => String(++nonce))
})

interface Asked {
  readonly add?: readonly string[]
  readonly drop?: readonly string[]
  readonly has?: Readonly<Record<string, string>>
  readonly answers?: string
  readonly error?: string
}

function ask({ add = [], drop = [], has = {}, answers = '', error }: Asked) {
  return subscription.request({
    resource_names_subscribe: add,
    resource_names_unsubscribe: drop,
    initial_resource_versions: has,
    response_nonce: answers,
    error_detail: error === undefined ? null : { message: error },
  })
}

/** `nonce: name@version -removed …`; undefined: nothing is sent. */
function sent(): string | undefined {
  const response = subscription.take(source)
  if (!response) return undefined
  const resources = response.resources.map(({ name, version }) => `${name}@${version}`)
  return [`${response.nonce}:`, ...resources, ...response.removed.map((name) => `-${name}`)].join(' ')
}

describe('an incremental subscription', () => {
  it('sends what is asked for, then only what changes', () => {
    source.set('a', 'v1')
    source.set('b', 'v1')
    ask({ add: ['a', 'b'] })
    expect(sent()).toBe('1: a@v1 b@v1')
    source.set('a', 'v2')
    expect(sent()).toBeUndefined()
    expect(ask({ answers: '1' })).toEqual({ verdict: { kind: 'ack' }, changed: false })
    expect(sent()).toBe('2: a@v2')
  })

  it('says at once what does not exist, and what no longer does, and sends what appears', () => {
    source.set('a', 'v1')
    ask({ add: ['a', 'no'] })
    expect(sent()).toBe('1: a@v1 -no')
    ask({ answers: '1' })
    expect(sent()).toBeUndefined()
    source.set('a', 'absent')
    source.set('no', 'v1')
    expect(subscription.removes(source)).toBe(true)
    expect(sent()).toBe('2: no@v1 -a')
    ask({ answers: '2' })
    source.set('a', 'v1')
    expect(sent()).toBe('3: a@v1')
  })

  it('says nothing of what is not known yet', () => {
    source.set('a', 'pending')
    ask({ add: ['a'] })
    expect(sent()).toBeUndefined()
    source.set('a', 'v1')
    expect(sent()).toBe('1: a@v1')
  })

  it('takes a refusal with its reason and sends it again only when it changed', () => {
    source.set('a', 'bad')
    ask({ add: ['a'] })
    sent()
    const { verdict } = ask({ answers: '1', error: 'no good' })
    expect(verdict).toEqual({ kind: 'nack', reason: 'no good', resources: ['a'] })
    expect([subscription.rejection, subscription.accepted]).toEqual(['no good', ''])
    expect(sent()).toBeUndefined()
    source.set('a', 'v2')
    expect(sent()).toBe('2: a@v2')
    ask({ answers: '2' })
    expect([subscription.rejection, subscription.accepted]).toEqual([undefined, 'v2'])
  })

  it('honours changes to the subscription that come with a stale nonce', () => {
    source.set('a', 'v1')
    source.set('b', 'v1')
    ask({ add: ['a'] })
    sent()
    ask({ answers: '1' })
    source.set('a', 'v2')
    sent()
    expect(ask({ add: ['b'], answers: '1' })).toEqual({ verdict: undefined, changed: true })
    ask({ answers: '2' })
    expect(sent()).toBe('3: b@v1')
  })

  it('sends again what is subscribed to again', () => {
    source.set('a', 'v1')
    ask({ add: ['a'] })
    sent()
    ask({ answers: '1' })
    ask({ add: ['a'] })
    expect(sent()).toBe('2: a@v1')
  })

  it('does not send what the client has of an earlier stream, nor anything about what it does not subscribe to', () => {
    source.set('a', 'v1')
    source.set('b', 'v2')
    ask({ add: ['a', 'b', 'c'], has: { a: 'v1', b: 'v1', c: 'v1', d: 'v1' } })
    expect(sent()).toBe('1: b@v2 -c')
  })

  it('answers an unsubscription with silence', () => {
    source.set('a', 'v1')
    ask({ add: ['a'] })
    sent()
    ask({ answers: '1' })
    expect(ask({ drop: ['a', 'never-had'] }).changed).toBe(true)
    source.set('a', 'v2')
    expect(sent()).toBeUndefined()
    ask({ add: ['a'] })
    expect(sent()).toBe('2: a@v2')
  })

  it('bounds names, over several requests too', () => {
    const names = (from: number, count: number) => Array.from({ length: count }, (_, i) => `n${from + i}`)
    ask({ add: names(0, MAX_NAMES - 1) })
    expect(() => ask({ add: names(MAX_NAMES, 2) })).toThrow(RangeError)
    expect(() => ask({ has: Object.fromEntries(names(0, MAX_NAMES + 1).map((name) => [name, 'v'])) })).not.toThrow()
    const fresh = new DeltaSubscription(true, () => '1')
    subscription = fresh
    expect(() => ask({ has: Object.fromEntries(names(0, MAX_NAMES + 1).map((name) => [name, 'v'])) })).toThrow(
      RangeError,
    )
  })
})

describe('an incremental subscription to everything', () => {
  it('begins with an empty first request or `*`, and hears of what comes, changes and goes', () => {
    source.set('a', 'v1')
    ask({})
    expect([subscription.all, sent()]).toEqual([true, '1: a@v1'])
    ask({ answers: '1' })
    source.set('b', 'v1')
    expect(sent()).toBe('2: b@v1')
    ask({ answers: '2' })
    source.set('a', 'absent')
    expect(sent()).toBe('3: -a')
    ask({ answers: '3' })
    expect(sent()).toBeUndefined()
  })

  it('gets a first response even where there is nothing, once that is known', () => {
    source.namesKnown = false
    ask({ add: ['*'] })
    expect(sent()).toBeUndefined()
    source.namesKnown = true
    expect(sent()).toBe('1:')
    ask({ answers: '1' })
    expect(sent()).toBeUndefined()
  })

  it('gets a first response that is complete', () => {
    source.set('a', 'v1')
    source.set('b', 'pending')
    ask({})
    expect(sent()).toBeUndefined()
    source.set('b', 'v1')
    expect(sent()).toBe('1: a@v1 b@v1')
  })

  it('hears on a new stream what went meanwhile', () => {
    source.set('a', 'v1')
    ask({ add: ['*'], has: { a: 'v1', gone: 'v1' } })
    expect(sent()).toBe('1: -gone')
  })

  it('may name something beside: leaving that is answered, there or removed', () => {
    source.set('a', 'v1')
    ask({ add: ['*', 'a', 'x'] })
    expect(sent()).toBe('1: a@v1 -x')
    ask({ answers: '1' })
    ask({ drop: ['a', 'x'] })
    expect(sent()).toBe('2: a@v1 -x')
    ask({ answers: '2' })
    ask({ add: ['a'] })
    sent()
    ask({ answers: '3' })
    ask({ drop: ['*'] })
    source.set('a', 'v2')
    source.set('b', 'v1')
    expect([subscription.all, sent()]).toEqual([false, '4: a@v2'])
  })

  it('is not there for types that have none', () => {
    source.set('a', 'v1')
    subscription = new DeltaSubscription(false, () => '1')
    ask({})
    expect([subscription.all, sent()]).toEqual([false, undefined])
  })
})
