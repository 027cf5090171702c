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
  const waiting = new Set(records.map(({ lease }) => lease).filter((lease) => lease !== 0n)).values()
  const found = new Map<bigint, LeaseInfo>()
  const worker = async () => {
    for (const lease of waiting) {
      const info = await store.leaseInfo(lease, options)
      if (info) found.set(lease, info)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return found
}
