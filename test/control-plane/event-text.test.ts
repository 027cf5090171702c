import { expect, it } from 'vitest'
import { controlPlaneEventText } from '../../src/core/control-plane/event-text.js'

it('names a few of the resources that a client refuses, and counts the others', () => {
  const nack = (resources: readonly string[]) =>
    controlPlaneEventText({ event: 'nack', protocol: 'xds', client: 'c', type: 'Cluster', resources, reason: 'bad' })
  expect(nack(['a', 'b'])).toBe('nack by c of Cluster a, b: bad')
  expect(nack(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toBe('nack by c of Cluster a, b, c, d, e and 2 more: bad')
})
