/** What this machine is out of, so that every other endpoint would meet it as well. */
const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])
/** Failures of this machine towards one destination: no free port or no such address family, a firewall's refusal. */
const LOCAL = new Set([...EXHAUSTED, 'EADDRNOTAVAIL', 'EACCES', 'EPERM'])

/** Whether connecting failed for want of something of this machine, so that no other endpoint need be tried. */
export function isExhaustion(error: Error): boolean {
  return EXHAUSTED.has((error as NodeJS.ErrnoException).code ?? '')
}

/** Whether connecting failed for a reason that says nothing about the endpoint. */
export function isLocalFailure(error: Error): boolean {
  return LOCAL.has((error as NodeJS.ErrnoException).code ?? '')
}

/** Why connecting failed. A failure to connect to every address of a name has the reasons inside and no message of its own. */
export function dialErrorText(error: Error): string {
  if (!(error instanceof AggregateError)) return error.message
  return error.errors.map((each: Error) => each.message).join('; ')
}
