/**
 * The one error type of fairlead. `code` is stable and meant for programs, `message` names the thing that went wrong,
 * `hint` says what to do about it.
 */
export class FairleadError extends Error {
  override readonly name = 'FairleadError'
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
  }

  /** The exit status a command ends with when this error reaches its top. */
  get exitCode(): number {
    return EXIT_CODES[this.code]
  }
}

/** Every error code and the exit status it stands for on the command line. */
export const EXIT_CODES = {
  /** A defect of fairlead, or a failure without a class of its own. */
  INTERNAL: 1,
  /** A local address could not be listened on. */
  ADDRESS_IN_USE: 1,
  /** The registry has compacted the revision asked for: list again. Never leaves discovery. */
  COMPACTED: 1,
  /** The registry refused the request for a reason of its own (no space, too large, …). */
  REFUSED: 1,
  /** The caller ended the operation through its AbortSignal. */
  ABORTED: 1,
  /** An argument, a flag, a configuration or a document is wrong. */
  INVALID_ARGUMENT: 2,
  /** The service, record or configuration asked for does not exist. */
  NOT_FOUND: 3,
  /** The service exists but nothing in it can take traffic. */
  NO_ENDPOINTS: 3,
  /** No registry endpoint answered in time. */
  UNAVAILABLE: 4,
  /** Credentials are missing, wrong or expired. */
  UNAUTHENTICATED: 5,
  /** The credentials are good, but not for this. */
  PERMISSION_DENIED: 5,
  /** The registration was lost and given up. */
  LEASE_LOST: 6,
  /** Someone else holds the address. */
  CONFLICT: 7,
  /** A condition waited for did not come about in time. */
  TIMEOUT: 124,
} as const

/** The stable codes of FairleadError. */
export type ErrorCode = keyof typeof EXIT_CODES

/** `error` as a FairleadError: itself, or wrapped as INTERNAL with the original as its cause. */
export function asFairleadError(error: unknown): FairleadError {
  if (error instanceof FairleadError) return error
  return new FairleadError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error })
}

/** Whether trying again cannot help where the registry was never reached before. */
export function isRefusal(error: FairleadError): boolean {
  return error.code === 'UNAUTHENTICATED' || error.code === 'PERMISSION_DENIED'
}
