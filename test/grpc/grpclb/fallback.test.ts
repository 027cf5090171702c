import { describe, expect, it } from 'vitest'
import { Fallback } from '../../../src/core/grpc/grpclb/fallback.js'

/** After a resolution with balancers and addresses of the channel's own. */
function resolved(balancers = 1, servers = 1): Fallback {
  const fallback = new Fallback()
  fallback.resolved(balancers, servers)
  return fallback
}

/** With a list in use that has a connected server. */
function balanced(servers = 1): Fallback {
  const fallback = resolved(1, servers)
  fallback.connected()
  fallback.listed()
  fallback.ready(true)
  return fallback
}

describe('before the first list', () => {
  it('calls wait for the balancer', () => {
    const fallback = resolved()
    expect(fallback.mode).toBe('waiting')
    fallback.connected()
    expect(fallback.mode).toBe('waiting')
    fallback.listed()
    expect(fallback.mode).toBe('list')
  })

  it('falls back at once where there is no balancer', () => {
    expect(resolved(0).mode).toBe('fallback')
    expect(resolved(0, 0).mode).toBe('fallback')
  })

  it('falls back when the time is over, with or without a stream', () => {
    const silent = resolved()
    silent.connected()
    silent.timedOut()
    expect(silent.mode).toBe('fallback')
    const alone = resolved(1, 0)
    alone.timedOut()
    expect(alone.mode).toBe('fallback')
  })

  it('falls back at once when no balancer can be reached, or the stream ends', () => {
    const unreachable = resolved()
    unreachable.unreachable()
    expect(unreachable.mode).toBe('fallback')
    const lost = resolved()
    lost.connected()
    lost.lost()
    expect(lost.mode).toBe('fallback')
  })

  it('goes on waiting where there is nothing to fall back to', () => {
    const alone = resolved(1, 0)
    alone.unreachable()
    alone.lost()
    expect(alone.mode).toBe('waiting')
    alone.resolved(1, 2)
    expect(alone.mode).toBe('fallback')
  })
})

describe('with a list', () => {
  it('ignores that the time is over', () => {
    const fallback = balanced()
    fallback.timedOut()
    expect(fallback.mode).toBe('list')
  })

  it('stays while the stream lives, though no server is connected', () => {
    const fallback = balanced()
    fallback.ready(false)
    expect(fallback.mode).toBe('list')
  })

  it('stays while a server is connected, though the stream is lost', () => {
    const fallback = balanced()
    fallback.lost()
    expect(fallback.mode).toBe('list')
    fallback.ready(false)
    expect(fallback.mode).toBe('fallback')
  })

  it('falls back when the stream is lost and no server is connected', () => {
    const fallback = balanced()
    fallback.ready(false)
    fallback.lost()
    expect(fallback.mode).toBe('fallback')
  })

  it('stays when the stream is back before the servers are lost', () => {
    const fallback = balanced()
    fallback.lost()
    fallback.connected()
    fallback.ready(false)
    expect(fallback.mode).toBe('list')
  })

  it('falls back when the balancer asks for it, whatever is connected', () => {
    const fallback = balanced()
    fallback.asked()
    expect(fallback.mode).toBe('fallback')
  })

  it('keeps the list where there is nothing to fall back to', () => {
    const fallback = balanced(0)
    fallback.lost()
    fallback.ready(false)
    fallback.asked()
    expect(fallback.mode).toBe('list')
  })

  it('falls back at once when the resolver names no balancer any more', () => {
    const fallback = balanced()
    fallback.resolved(0, 1)
    expect(fallback.mode).toBe('fallback')
  })
})

describe('in fallback', () => {
  it('stays until a list comes, whatever else does', () => {
    const fallback = resolved(0)
    fallback.resolved(1, 1)
    fallback.connected()
    fallback.lost()
    fallback.connected()
    expect(fallback.mode).toBe('fallback')
    fallback.listed()
    expect(fallback.mode).toBe('list')
  })

  it('is not entered again for what happened before the list', () => {
    const fallback = balanced()
    fallback.asked()
    fallback.listed()
    fallback.ready(true)
    expect(fallback.mode).toBe('list')
  })
})
