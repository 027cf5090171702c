import { Flags } from '@oclif/core'
import { FairleadError } from '../core/errors.js'
import type { LoadOptions } from '../core/wrapper/keep-registered.js'
import { parseDuration } from '../core/library/duration.js'

const LOAD = 'LOAD'
const LEAST_INTERVAL_MS = 1000
/** Who weighs by the load waits for the effect of a change, but not for ever. */
const MOST_INTERVAL_MS = 30_000

/** The flags of `register` that keep a load figure in the record. */
export const loadFlags = {
  'report-load': Flags.string({
    helpGroup: LOAD,
    helpValue: 'cpu|CMD',
    description:
      'keep the load in the record, for weights by load: cpu is that of the command and what it starts, without one of the machine; CMD is a shell command that prints it, 0 to 1 or a percentage',
  }),
  'report-load-interval': Flags.string({
    helpGroup: LOAD,
    helpValue: 'DURATION',
    default: '5s',
    description: 'least time between two writes of the load, and the most that CMD may take; 1s to 30s',
  }),
}

interface ParsedLoadFlags {
  readonly 'report-load': string | undefined
  readonly 'report-load-interval': string
}

/** What the flags ask for; undefined for nothing. Throws INVALID_ARGUMENT. */
export function loadOptions(flags: ParsedLoadFlags, onFailure: LoadOptions['onFailure']): LoadOptions | undefined {
  const source = flags['report-load']
  if (source === undefined) return undefined
  const intervalMs = parseDuration(flags['report-load-interval'], '--report-load-interval')
  if (source.trim() === '') {
    throw new FairleadError('INVALID_ARGUMENT', '--report-load names nothing to read the load from', {
      hint: 'use cpu, or a shell command that prints a number from 0 to 1',
    })
  }
  if (intervalMs < LEAST_INTERVAL_MS || intervalMs > MOST_INTERVAL_MS) {
    throw new FairleadError('INVALID_ARGUMENT', '--report-load-interval is not from 1s to 30s')
  }
  return { source, intervalMs, onFailure }
}
