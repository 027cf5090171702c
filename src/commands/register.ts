import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { parseDuration } from '../core/library/duration.js'
import { parseKeyValues } from '../cli/key-values.js'
import { loadFlags, loadOptions } from '../cli/load-flags.js'
import { leaseText } from '../cli/output/endpoint.js'
import { signalStatus } from '../cli/stop.js'
import { FairleadError } from '../core/errors.js'
import { parseCheck } from '../core/health/check.js'
import { newInstanceId } from '../core/registry/instance-id.js'
import { createRegistrar, parseTtl } from '../core/registry/registrar.js'
import type { RegistrationEvent } from '../core/registry/registration.js'
import { type WriteRequest, writeRecord } from '../core/registry/write-record.js'
import { keepRegistered, type LoadOptions } from '../core/wrapper/keep-registered.js'
import { parseAddress } from '../core/model/address.js'

const LIFE = 'LIFE'
const CHILD = 'CHILD'

export default class RegisterCommand extends BaseCommand<typeof RegisterCommand> {
  static override summary = 'Register an endpoint and keep it registered'
  static override description = `Stays until it is stopped: SIGTERM or SIGINT takes the record out at once, so that nobody has to wait for its lease. A lost
lease, a deleted record and a registry that was away, restarted or wiped heal by themselves, under the same id.

With -- COMMAND the endpoint lives as long as the command: when stopped, the record goes first, then, after --drain-delay, the
command gets SIGTERM. It sees FAIRLEAD_SERVICE, FAIRLEAD_ADDRESS and FAIRLEAD_INSTANCE_ID, and its exit status is ours.`
  static override examples = [
    '<%= config.bin %> register web 10.0.0.5:8080 --weight 3 --zone a',
    '<%= config.bin %> register web 10.0.0.5:8080 --check http:/healthz -- ./server --port 8080',
    '<%= config.bin %> register web 10.0.0.5:8080 --report-load cpu -- ./server --port 8080',
    '<%= config.bin %> register web 10.0.0.5:8080 --permanent',
  ]
  static override longRunning = true
  static override takesChildCommand = true
  static override args = {
    service: Args.string({ description: 'name of the service', required: true }),
    address: Args.string({ description: 'IPv4:port, [IPv6]:port or dns-name:port', required: true }),
  }
  static override flags = {
    'weight': Flags.integer({ helpValue: 'N', description: 'share of the traffic, 0 to 1000 [default: 1]' }),
    'zone': Flags.string({ helpValue: 'Z', description: 'where it runs' }),
    'meta': Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'k=v', description: 'metadata' }),
    'role': Flags.option({
      options: ['server', 'balancer'] as const,
      description: 'balancer: it hands out addresses (grpclb) instead of serving [default: server]',
    })(),
    'id': Flags.string({
      helpGroup: LIFE,
      helpValue: 'ID',
      description: 'identity of this instance; the same id takes its own address over at once [default: a new one]',
    }),
    'ttl': Flags.string({
      helpGroup: LIFE,
      helpValue: 'DURATION',
      default: '10s',
      description: 'how long the record outlives a process that was killed',
    }),
    'on-conflict': Flags.option({
      helpGroup: LIFE,
      options: ['wait', 'fail', 'takeover'] as const,
      default: 'wait' as const,
      description: 'when the address is held by another live registration',
    })(),
    'give-up-after': Flags.string({
      helpGroup: LIFE,
      helpValue: 'DURATION',
      description: 'end with status 6 when the record could not be kept for so long [default: never]',
    }),
    'once': Flags.boolean({
      helpGroup: LIFE,
      exclusive: ['permanent', 'check', 'give-up-after', 'report-load'],
      description: 'write the record under a lease that nobody renews, and end',
    }),
    'permanent': Flags.boolean({
      helpGroup: LIFE,
      exclusive: ['once', 'check', 'give-up-after', 'report-load'],
      description: 'write the record without a lease (printed as lease=0), and end',
    }),
    'check': Flags.string({
      helpGroup: LIFE,
      helpValue: 'CHECK',
      description:
        'tcp, http:[STATUSES:]/PATH or grpc[:SERVICE]: the record appears when it passes and goes when it fails three times',
    }),
    'check-interval': Flags.string({
      helpGroup: LIFE,
      helpValue: 'DURATION',
      default: '2s',
      description: 'time between two checks',
    }),
    'drain-delay': Flags.string({
      helpGroup: CHILD,
      helpValue: 'DURATION',
      default: '1s',
      description: 'how long the command goes on serving after its record was taken out',
    }),
    'stop-timeout': Flags.string({
      helpGroup: CHILD,
      helpValue: 'DURATION',
      default: '10s',
      description: 'how long the command may take to end after SIGTERM, before SIGKILL',
    }),
    ...loadFlags,
  }

  /** Whether it was told that the record is in the registry. */
  #isKnown = false

  async run(): Promise<number> {
    if (this.flags.once || this.flags.permanent) return this.#write()
    return this.#keep()
  }

  async #write(): Promise<number> {
    if (this.childCommand) {
      throw new FairleadError('INVALID_ARGUMENT', 'a command cannot be run with --once or --permanent')
    }
    const { service, address } = this.args
    const ttlSeconds: WriteRequest['ttlSeconds'] = this.flags.permanent ? 'permanent' : this.#ttlSeconds()
    const request: WriteRequest = {
      ...this.#description(),
      service,
      address,
      ttlSeconds,
      onConflict: this.flags['on-conflict'],
      signal: this.signal,
      onWaiting: (remainingSeconds: number) => this.#waiting(address, remainingSeconds),
    }
    try {
      const { endpoint, lease } = await writeRecord(await this.store(), this.prefix, request, this.runtime)
      this.#registered(endpoint.address, endpoint.id, lease?.id ?? 0n, lease?.ttlSeconds)
      return 0
    } catch (error) {
      // Being stopped is no success here: nothing was written.
      const cause = this.stopCause
      if (cause === undefined || cause === 'stdout closed') throw error
      return signalStatus(cause)
    }
  }

  async #keep(): Promise<number> {
    const { service } = this.args
    const { address } = parseAddress(this.args.address)
    const [program, ...args] = this.childCommand ?? []
    if (this.childCommand && program === undefined) {
      throw new FairleadError('INVALID_ARGUMENT', 'no command after --')
    }
    const giveUpAfter = this.flags['give-up-after']
    const load = this.#loadOptions(address)
    const options = {
      service,
      address,
      registration: {
        ...this.#description(),
        id: this.flags.id ?? newInstanceId(this.runtime),
        ttlSeconds: this.#ttlSeconds(),
        onConflict: this.flags['on-conflict'],
        ...(giveUpAfter === undefined ? {} : { giveUpAfterMs: parseDuration(giveUpAfter, '--give-up-after') }),
      },
      ...(this.flags.check === undefined ? {} : { check: parseCheck(this.flags.check) }),
      checkIntervalMs: this.#checkIntervalMs(),
      ...(load && { load }),
      ...(program === undefined ? {} : { command: [program, ...args] as const }),
      drainDelayMs: parseDuration(this.flags['drain-delay'], '--drain-delay'),
      stopTimeoutMs: parseDuration(this.flags['stop-timeout'], '--stop-timeout'),
    }
    const registrar = createRegistrar(await this.store(), { prefix: this.prefix }, this.runtime)
    const onEvent = (event: RegistrationEvent) => this.#tell(address, options.registration.id, event)
    const registration = { ...options.registration, onEvent }
    return keepRegistered(registrar, { ...options, registration }, this.runtime, this.signal)
  }

  #description() {
    const { weight, zone, meta, role, id } = this.flags
    return {
      ...(weight === undefined ? {} : { weight }),
      ...(zone === undefined ? {} : { zone }),
      ...(meta === undefined ? {} : { meta: parseKeyValues('--meta', meta) }),
      ...(role === undefined ? {} : { role }),
      ...(id === undefined ? {} : { id }),
    }
  }

  #ttlSeconds(): number {
    return parseTtl(Math.ceil(parseDuration(this.flags.ttl, '--ttl') / 1000))
  }

  #checkIntervalMs(): number {
    const interval = parseDuration(this.flags['check-interval'], '--check-interval')
    if (interval > 0) return interval
    throw new FairleadError('INVALID_ARGUMENT', 'the check interval must be longer than 0')
  }

  #loadOptions(address: string): LoadOptions | undefined {
    const { service } = this.args
    return loadOptions(this.flags, (reason) => {
      this.note(`no load of ${service} ${address}: ${reason}`)
      void this.emit({ event: 'load_failed', service, address, reason })
    })
  }

  #tell(address: string, id: string, event: RegistrationEvent): void {
    const { service } = this.args
    switch (event.type) {
      case 'registered':
        this.#registered(address, id, event.lease, event.ttlSeconds)
        break
      case 'withdrawn':
        this.note(`withdrawn ${service} ${address}: the check fails`)
        void this.emit({ event: 'withdrawn', service, address, id })
        break
      case 'lost':
        this.note(`lost ${service} ${address}: registering again`)
        void this.emit({ event: 'lost', service, address, id })
        break
      case 'waiting':
        this.#waiting(address, event.remainingSeconds)
        break
      case 'retrying':
        this.note(`retrying ${service} ${address}: ${event.error.message}`)
        void this.emit({ event: 'retrying', service, address, id, reason: event.error.message })
        break
      case 'ended':
        if ('error' in event.end || !(this.#isKnown || event.end.how === 'deregistered')) break
        this.note(`deregistered ${service} ${address}`)
        void this.emit({ event: 'deregistered', service, address, id, how: event.end.how })
    }
  }

  #waiting(address: string, remainingSeconds: number): void {
    const { service } = this.args
    this.note(`waiting for ${address}: another registration holds it for up to ${remainingSeconds}s`)
    void this.emit({ event: 'waiting', service, address, remaining: remainingSeconds })
  }

  #registered(address: string, id: string, lease: bigint, ttlSeconds?: number): void {
    const { service } = this.args
    this.#isKnown = true
    const ttl = ttlSeconds === undefined ? '' : ` ttl=${ttlSeconds}s`
    this.note(`registered ${service} ${address} lease=${leaseText(lease)}${ttl}`)
    void this.emit({ event: 'registered', service, address, id, lease: leaseText(lease), ttl: ttlSeconds })
  }
}
