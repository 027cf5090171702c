import type { Runtime } from '../runtime.js'

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A new instance id in the form of a ULID: ten digits of the wall clock, so that ids sort by age for a reader, and 80 random bits. */
export function newInstanceId(runtime: Runtime): string {
  let time = ''
  for (let rest = Math.max(0, Math.floor(runtime.clock.wall())), i = 0; i < 10; i++) {
    time = CROCKFORD[rest % 32]! + time
    rest = Math.floor(rest / 32)
  }
  let chance = ''
  for (let i = 0; i < 16; i++) chance += CROCKFORD[Math.floor(runtime.random.next() * 32)]!
  return time + chance
}
