import { inParallel } from '../in-parallel.js'
import type { Registered } from '../registry/record.js'
import type { CallOptions, LeaseInfo, Store } from '../registry/store.js'

/** How many leases are asked for at a time. */
const AT_ONCE = 32

/** Asks for what is left of the leases that records are bound to, by lease id. Leases that are gone are left out. */
export async function readLeaseTimes(
  store: Pick<Store, 'leaseInfo'>,
  records: readonly Registered[],
  options: CallOptions = {},
): Promise<ReadonlyMap<bigint, LeaseInfo>> {
  const leases = [...new Set(records.map(({ lease }) => lease).filter((lease) => lease !== 0n))]
  const found = new Map<bigint, LeaseInfo>()
  await inParallel(leases, AT_ONCE, async (lease) => {
    const info = await store.leaseInfo(lease, options)
    if (info) found.set(lease, info)
  })
  return found
}
