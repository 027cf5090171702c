import { beforeEach, describe, expect, it } from 'vitest'
import { SotwSubscription } from '../../../src/core/control-plane/xds/sotw-subscription.js'
import { MAX_NAMES } from '../../../src/core/control-plane/xds/subscription.js'
import { FakeSource } from './support/fake-source.js'

let source: FakeSource
let subscription: SotwSubscription
let nonce: number

beforeEach(() => {
  source = new FakeSource()
  nonce = 0
})

/** Listener and Cluster: responses hold everything. */
function complete(): void {
  subscription = new SotwSubscription(true, () => String(++nonce))
}

/** RouteConfiguration and ClusterLoadAssignment: responses hold what changed. */
function partial(): void {
  subscription = new SotwSubscription(false, () => String(++nonce))
}

function ask(names: readonly string[], answers = '', error?: string) {
  return subscription.request({
    resource_names: names,
    response_nonce: answers,
    error_detail: error === undefined ? null : { message: error },
  })
}

/** `nonce: name@version, …`; undefined: nothing is sent. */
function sent(): string | undefined {
  const response = subscription.take(source)
  return (
    response && `${response.nonce}: ${response.resources.map(({ name, version }) => `${name}@${version}`).join(', ')}`
  )
}

describe.each([
  ['complete', complete],
  ['partial', partial],
])('a subscription to resources that come %s', (_name, make) => {
  beforeEach(make)

  it('sends what is asked for, once, and again when it changes', () => {
    source.set('a', 'v1')
    ask(['a'])
    expect(sent()).toBe('1: a@v1')
    expect(ask(['a'], '1')).toEqual({ verdict: { kind: 'ack' }, changed: false })
    expect(sent()).toBeUndefined()
    source.set('a', 'v2')
    expect(sent()).toBe('2: a@v2')
  })

  it('waits for the client’s answer, and then sends the latest', () => {
    source.set('a', 'v1')
    ask(['a'])
    sent()
    source.set('a', 'v2')
    source.set('a', 'v3')
    expect(sent()).toBeUndefined()
    ask(['a'], '1')
    expect(sent()).toBe('2: a@v3')
  })

  it('takes a refusal by its error_detail, keeps the reason, and sends nothing until something changes', () => {
    source.set('a', 'v1')
    ask(['a'])
    sent()
    ask(['a'], '1')
    source.set('a', 'bad')
    sent()
    const { verdict } = ask(['a'], '2', 'no good')
    expect(verdict).toEqual({ kind: 'nack', reason: 'no good', resources: ['a'] })
    expect([subscription.rejection, subscription.accepted]).toEqual(['no good', 'v1'])
    expect(sent()).toBeUndefined()
    source.set('a', 'v2')
    expect(sent()).toBe('3: a@v2')
    ask(['a'], '3')
    expect([subscription.rejection, subscription.accepted]).toEqual([undefined, 'v2'])
  })

  it('ignores what answers an earlier response than the last', () => {
    source.set('a', 'v1')
    source.set('b', 'v1')
    ask(['a'])
    sent()
    ask(['a'], '1')
    source.set('a', 'v2')
    sent()
    expect(ask(['a', 'b'], '1')).toEqual({ verdict: undefined, changed: false })
    expect(sent()).toBeUndefined()
    expect(ask(['a', 'b'], '2').verdict).toEqual({ kind: 'ack' })
    expect(sent()).toMatch(/^3: .*b@v1/)
  })

  it('takes further names before the first response', () => {
    source.set('a', 'v1')
    source.set('b', 'v1')
    ask(['a'])
    expect(ask(['a', 'b']).changed).toBe(true)
    expect(sent()).toBe('1: a@v1, b@v1')
  })

  it('sends a resource again to who left it and comes back', () => {
    source.set('a', 'v1')
    source.set('b', 'v1')
    ask(['a', 'b'])
    sent()
    ask(['a'], '1')
    expect(sent()).toBeUndefined()
    ask(['a', 'b'], '1')
    expect(sent()).toMatch(/b@v1/)
  })

  it('sends what appears later', () => {
    source.set('a', 'v1')
    ask(['a', 'later'])
    sent()
    ask(['a', 'later'], '1')
    source.set('later', 'v1')
    expect(sent()).toMatch(/later@v1/)
  })

  it('takes an empty list after names for an end of interest', () => {
    source.set('a', 'v1')
    source.set('b', 'v1')
    ask(['a'])
    sent()
    expect(ask([], '1').changed).toBe(true)
    source.set('a', 'v2')
    expect(sent()).toBeUndefined()
    expect(subscription.all).toBe(false)
  })

  it('takes no version of another stream for an answer of this one', () => {
    source.set('a', 'v1')
    expect(ask(['a'], 'of-another-stream').verdict).toBeUndefined()
    expect(sent()).toBe('1: a@v1')
  })

  it('bounds names', () => {
    const many = Array.from({ length: MAX_NAMES + 1 }, (_, i) => `n${i}`)
    expect(() => ask(many)).toThrow(RangeError)
    expect(() => ask(many.slice(1))).not.toThrow()
    expect(subscription.names.size).toBe(MAX_NAMES)
    ask(['x'.repeat(1000)])
    expect(subscription.names.size).toBe(0)
  })
})

describe('a subscription to resources that come complete', () => {
  beforeEach(complete)

  it('sends all that is subscribed to when one thing changes, and leaves out what is gone', () => {
    source.set('a', 'v1')
    source.set('b', 'v1')
    ask(['a', 'b'])
    expect(sent()).toBe('1: a@v1, b@v1')
    ask(['a', 'b'], '1')
    source.set('b', 'v2')
    expect(sent()).toBe('2: a@v1, b@v2')
    ask(['a', 'b'], '2')
    expect(subscription.removes(source)).toBe(false)
    source.set('a', 'absent')
    expect(subscription.removes(source)).toBe(true)
    expect(sent()).toBe('3: b@v2')
    ask(['a', 'b'], '3')
    expect(sent()).toBeUndefined()
  })

  it('says nothing while leaving something out would delete it that is merely not known yet', () => {
    source.set('a', 'v1')
    source.set('b', 'pending')
    ask(['a', 'b'])
    expect(sent()).toBeUndefined()
    source.set('b', 'v1')
    expect(sent()).toBe('1: a@v1, b@v1')
    ask(['a', 'b', 'c'], '1')
    // A client that comes back may have it from before.
    source.set('c', 'pending')
    source.set('a', 'v2')
    expect(sent()).toBeUndefined()
    source.set('c', 'absent')
    expect(sent()).toBe('2: a@v2, b@v1')
  })

  it('says that nothing is there to who may have had it on an earlier stream', () => {
    ask(['gone'])
    expect(sent()).toBe('1: ')
    ask(['gone'], '1')
    expect(sent()).toBeUndefined()
  })

  it('says of what was sent among everything, and is named from now on, that it is gone', () => {
    source.set('a', 'v1')
    ask([])
    expect(sent()).toBe('1: a@v1')
    source.set('a', 'absent')
    ask(['a'], '1')
    expect(sent()).toBe('2: ')
    ask(['a'], '2')
    expect(sent()).toBeUndefined()
  })

  it('takes an empty first list, and `*`, for everything', () => {
    source.set('a', 'v1')
    ask([])
    expect([subscription.all, sent()]).toEqual([true, '1: a@v1'])
    ask([], '1')
    source.set('b', 'v1')
    expect(sent()).toBe('2: a@v1, b@v1')
    ask(['*', 'c'], '2')
    expect([subscription.all, [...subscription.names]]).toEqual([true, ['c']])
    ask(['c'], '2')
    expect(subscription.all).toBe(false)
    source.set('c', 'v1')
    expect(sent()).toBe('3: c@v1')
    ask([], '3')
    expect([subscription.all, subscription.names.size]).toEqual([false, 0])
    expect(sent()).toBeUndefined()
  })

  it('tells who wants everything also that there is nothing, but not before that is known', () => {
    source.namesKnown = false
    ask([])
    expect(sent()).toBeUndefined()
    source.namesKnown = true
    expect(sent()).toBe('1: ')
  })

  it('does not hold up what is known for a newcomer that is not, where everything is wanted', () => {
    source.set('a', 'v1')
    ask([])
    sent()
    ask([], '1')
    source.set('b', 'pending')
    source.set('a', 'v2')
    expect(sent()).toBe('2: a@v2')
    ask([], '2')
    source.set('b', 'v1')
    expect(sent()).toBe('3: a@v2, b@v1')
  })
})

describe('a subscription to resources that come in parts', () => {
  beforeEach(partial)

  it('sends only what changed, and nothing of what goes', () => {
    source.set('a', 'v1')
    source.set('b', 'v1')
    ask(['a', 'b'])
    sent()
    ask(['a', 'b'], '1')
    source.set('b', 'v2')
    expect(sent()).toBe('2: b@v2')
    ask(['a', 'b'], '2')
    source.set('a', 'absent')
    expect(sent()).toBeUndefined()
    source.set('a', 'v1')
    expect(sent()).toBe('3: a@v1')
  })

  it('sends what is known while the rest is not', () => {
    source.set('a', 'v1')
    source.set('b', 'pending')
    ask(['a', 'b'])
    expect(sent()).toBe('1: a@v1')
    ask(['a', 'b'], '1')
    source.set('b', 'v1')
    expect(sent()).toBe('2: b@v1')
  })

  it('knows no “everything”', () => {
    source.set('a', 'v1')
    ask([])
    expect([subscription.all, sent()]).toEqual([false, undefined])
  })
})
