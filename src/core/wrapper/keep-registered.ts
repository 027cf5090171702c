import type { Check } from '../health/check.js'
import { watchHealth } from '../health/check-loop.js'
import { parseAddress } from '../model/address.js'
import type { Registration, RegistrationEnd, RegistrationOptions } from '../registry/registration.js'
import type { Registrar } from '../registry/registrar.js'
import { aborted, type Runtime, sleep } from '../runtime.js'
import { type Child, startChild } from './child-process.js'
import { commandLoad } from './load/command-load.js'
import { groupLoad, machineLoad } from './load/cpu-load.js'
import type { LoadSource } from './load/load-source.js'
import { reportLoad } from './load/report-load.js'

export interface KeepOptions {
  readonly service: string
  readonly address: string
  readonly registration: RegistrationOptions
  /** The record is in the registry only while this passes. */
  readonly check?: Check
  readonly checkIntervalMs: number
  /** What the record says of the load. Absent: nothing. */
  readonly load?: LoadOptions
  /** A program to run for as long as the registration lives, and the other way round. */
  readonly command?: readonly [string, ...string[]]
  /** With a child: how long it goes on serving after its record was removed. */
  readonly drainDelayMs: number
  /** How long the child may take to end after SIGTERM. */
  readonly stopTimeoutMs: number
}

export interface LoadOptions {
  /** `cpu`: of the child with all it starts, without one of the machine; else a shell command that prints it. */
  readonly source: string
  /** The least time between two writes, and the most that the command may take, milliseconds. */
  readonly intervalMs: number
  /** The load cannot be read, for the first time or after it could be. Must not throw. */
  readonly onFailure: (reason: string) => void
}

/**
 * Registers an endpoint and keeps it registered until `signal` aborts, the child ends or the registration does. Returns the exit status: the
 * child's, or 0. Throws what ended the registration if that was not asked for (CONFLICT, LEASE_LOST, UNAUTHENTICATED, …), after
 * the child was stopped, and INVALID_ARGUMENT at once, before the child is started.
 */
export async function keepRegistered(
  registrar: Registrar,
  options: KeepOptions,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<number> {
  const { service, address, command } = options
  const registration = registrar.start(service, address, { ...options.registration, visible: false })
  const over = new AbortController()
  let showing: Promise<void> | undefined
  let reporting: Promise<void> | undefined
  try {
    const child = command && startChild({ command, env: environmentOf(registration) })
    const startError = await child?.startError
    if (startError) runtime.log.error('the command cannot be run', { error: startError.message })
    else {
      showing = show(registration, options, runtime, over.signal)
      reporting = report(registration, child, options, runtime, over.signal)
    }
    return await (child ? runWithChild(registration, child, options, runtime, signal) : runAlone(registration, signal))
  } finally {
    over.abort()
    await showing
    await registration.close()
    await reporting
  }
}

/** Lets the record appear: at once, or as the check has it. */
async function show(
  registration: Registration,
  { check, checkIntervalMs }: KeepOptions,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<void> {
  if (!check) return registration.setVisible(true)
  const address = parseAddress(registration.address)
  await watchHealth(check, address, checkIntervalMs, runtime, signal, (healthy) => registration.setVisible(healthy))
}

/** Keeps the load in the record, where that is asked for. */
async function report(
  registration: Registration,
  child: Child | undefined,
  { load }: KeepOptions,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<void> {
  if (!load) return
  const { source, intervalMs, onFailure } = load
  const read = (): LoadSource => {
    if (source !== 'cpu') {
      const env = environmentOf(registration)
      return commandLoad({ command: source, env, timeoutMs: intervalMs }, runtime.clock)
    }
    return child?.pid === undefined ? machineLoad() : groupLoad(child.pid, runtime.clock)
  }
  await reportLoad(registration, { source: read(), intervalMs, onFailure }, runtime, signal)
}

async function runAlone(registration: Registration, signal: AbortSignal): Promise<number> {
  const end = await Promise.race([registration.closed, aborted(signal)])
  failIfLost(end)
  return 0
}

async function runWithChild(
  registration: Registration,
  child: Child,
  options: KeepOptions,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<number> {
  const childOver = child.ended.then(() => undefined)
  let end = await Promise.race([childOver, registration.closed, aborted(signal)])
  // Deregistered: the child lives on, and we are a plain wrapper.
  if (end?.how === 'deregistered') end = await Promise.race([childOver, aborted(signal)])
  if (end) await child.stop(options.stopTimeoutMs, runtime.clock)
  failIfLost(end)
  await registration.close()
  return endChild(child, options, runtime)
}

/** Lets the child serve for the drain delay and then stops it; returns at once if it has ended. */
async function endChild(child: Child, options: KeepOptions, runtime: Runtime): Promise<number> {
  const drained = new AbortController()
  const delay = sleep(runtime.clock, options.drainDelayMs, drained.signal).catch(() => undefined)
  const status = await Promise.race([child.ended, delay])
  drained.abort()
  return status ?? child.stop(options.stopTimeoutMs, runtime.clock)
}

function failIfLost(end: RegistrationEnd | undefined): void {
  if (end && 'error' in end) throw end.error
}

function environmentOf({ service, address, id }: Registration): Readonly<Record<string, string>> {
  return { FAIRLEAD_SERVICE: service, FAIRLEAD_ADDRESS: address, FAIRLEAD_INSTANCE_ID: id }
}
