import { expect, it } from 'vitest'
import { readService, unknownService } from '../../src/core/discovery/read-service.js'
import { FairleadError } from '../../src/core/errors.js'

const refuse = () => Promise.reject(new FairleadError('PERMISSION_DENIED', 'not permitted'))

/** A registry whose user may read only what starts with `permitted`. */
function limitedTo(permitted: string, keys: readonly string[]) {
  const entry = (key: string) => {
    return { key, value: Buffer.from(''), createRevision: 2n, modRevision: 2n, version: 1n, lease: 0n }
  }
  return {
    list: (prefix: string) =>
      prefix.startsWith(permitted)
        ? Promise.resolve({ revision: 2n, clusterId: '1', entries: keys.map(entry) })
        : refuse(),
    get: refuse,
  }
}

it('reads a service whose records alone the user may read, and tells what it may not', async () => {
  const reading = await readService(limitedTo('/ns/web/', ['/ns/web/10.0.0.1:80']), '/ns', 'web')
  expect(reading.records.map(({ endpoint }) => endpoint.address)).toEqual(['10.0.0.1:80'])
  expect(reading.skipped.map(({ key }) => key)).toEqual(['/ns/.balancers/web/', '/ns/.config/web'])
  expect(unknownService(reading)).toBeUndefined()
})

it('knows no service of which nothing is registered, whatever else the user may not read', async () => {
  const reading = await readService(limitedTo('/ns/web/', []), '/ns', 'web')
  expect(unknownService(reading)).toMatchObject({ code: 'NOT_FOUND' })
})

it('fails where the user may not read the records', async () => {
  await expect(readService(limitedTo('/ns/other/', []), '/ns', 'web')).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
  })
})
