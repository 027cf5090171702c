import { basename } from 'node:path'
import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { parseDuration } from '../core/library/duration.js'
import { chalkFor } from '../cli/output/color.js'
import { proxiesDocument, servicesDocument } from '../cli/output/top-document.js'
import { readToken } from '../cli/admin/configuration.js'
import { findSockets, type LocalSocket, runtimeFolders } from '../core/admin/runtime-folder.js'
import { createResolver } from '../core/discovery/resolver.js'
import { FairleadError } from '../core/errors.js'
import { parseCheck } from '../core/health/check.js'
import { parseServiceName } from '../core/model/service.js'
import { setRecord } from '../core/registry/set-record.js'
import { aborted } from '../core/runtime.js'
import { type AdminAddress, parseAdminAddress, socketAddress } from '../top/admin/address.js'
import { AdminClient } from '../top/admin/client.js'
import { ProxySource } from '../top/admin/proxy-source.js'
import { type Attachment, attachTo, attachToLocal, noProxy } from '../top/attach.js'
import { BoardStore } from '../top/board-store.js'
import { carryOut } from '../top/carry-out.js'
import { checkOnce } from '../top/registry/check-once.js'
import { RegistrySource } from '../top/registry/registry-source.js'
import { readState } from '../top/report.js'
import { summaryLines } from '../top/summary.js'

export default class Top extends BaseCommand<typeof Top> {
  static override summary = 'Watch traffic spread over endpoints, live'
  static override description = `Shows what proxies do, of this user's on this machine or of those named: the share each endpoint gets beside the one its
policy aims at, rates, success, latencies, what is in flight, who is out and why, and what happened. Keys sort, filter, pause,
look into an endpoint, drain it, make it ready and change its weight; ? lists them.

--service follows services in the registry without a proxy: who is there, and how they answer to checks.

--once prints the same once, for scripts: -o json has all of it. Without a terminal that is all there is.`
  static override examples = [
    '<%= config.bin %> top',
    '<%= config.bin %> top 127.0.0.1:9901 10.0.0.7:9901 --admin-token-file token',
    '<%= config.bin %> top --service web --check http:/ready',
    `<%= config.bin %> top --once -o json | jq '.proxies[].listeners[] | [.service, .successRate]'`,
  ]
  static override longRunning = true
  static override args = {
    admin: Args.string({
      multiple: true,
      description:
        'admin endpoints of proxies: HOST:PORT, URL or the path of a socket; default: the sockets of this user',
    }),
  }
  static override flags = {
    'service': Flags.string({
      description: 'follow this service in the registry instead, without a proxy (repeatable)',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'check': Flags.string({
      description: 'with --service: how endpoints are checked',
      helpValue: 'tcp|http:[STATUSES:]/PATH|grpc[:SERVICE]',
      default: 'tcp',
    }),
    'check-interval': Flags.string({
      description: 'with --service: between two checks of an endpoint',
      helpValue: 'DURATION',
      default: '2s',
    }),
    'admin-token-file': Flags.string({
      description: 'file with the token that admin endpoints off this machine, and changes over TCP, ask for',
      helpValue: 'FILE',
    }),
    'once': Flags.boolean({ description: 'print once and end' }),
  }

  #token: string | undefined

  async run() {
    const { service = [], once } = this.flags
    if (service.length > 0 && this.#admins.length > 0) {
      throw new FairleadError('INVALID_ARGUMENT', '--service and ADMIN exclude each other', {
        hint: 'a service is followed without a proxy: leave one out',
      })
    }
    if (once) return this.print(service.length > 0 ? await this.#checkServices() : await this.#askProxies())
    await this.#refuseWithoutScreen()
    const store = new BoardStore(this.runtime.clock)
    const attachment = await (service.length > 0 ? this.#followServices(store) : this.#followProxies(store))
    try {
      if (!this.signal.aborted) await this.#show(store, attachment)
    } finally {
      attachment.close()
      store.close()
    }
  }

  /** Shows the view until it is quit, then says how things were last. */
  async #show(store: BoardStore, attachment: Attachment): Promise<void> {
    const { showTop } = await import('../tui/show-top.js')
    const quit = new AbortController()
    const view = showTop({
      board: store.board,
      subscribe: store.subscribe,
      color: chalkFor(process.stdout, this.settings.noColor, process.env).level > 0,
      onEffect: (effect) => {
        if (effect.kind === 'quit') quit.abort()
        else void carryOut(effect.change, attachment.sources, store, this.runtime.clock)
      },
    })
    try {
      await Promise.race([aborted(AbortSignal.any([this.signal, quit.signal])), view.failed])
    } finally {
      view.close()
    }
    for (const line of summaryLines(store.board())) await this.emit({}, line)
  }

  async #refuseWithoutScreen(): Promise<void> {
    const { output } = this.settings
    if (output !== 'table' && output !== 'wide') {
      throw new FairleadError('INVALID_ARGUMENT', `the live view has no form for -o ${output}`, {
        hint: `fairlead top --once -o ${output} prints once`,
      })
    }
    const { canOpenScreen } = await import('../tui/can-open-screen.js')
    if (canOpenScreen()) return
    throw new FairleadError('INVALID_ARGUMENT', 'there is no terminal for the live view', {
      hint: 'fairlead top --once prints once; -o json with it is for programs',
    })
  }

  async #followProxies(store: BoardStore): Promise<Attachment> {
    const open = (address: AdminAddress) => new ProxySource(address.name, this.#client(address), store, this.runtime)
    const admins = this.#admins
    if (admins.length > 0) return attachTo(admins.map(open), this.signal)
    const openLocal = (socket: LocalSocket) => open(localAddress(socket))
    return attachToLocal(this.#findSockets, openLocal, this.runtime.clock, this.signal)
  }

  async #followServices(store: BoardStore): Promise<Attachment> {
    const registry = await this.store()
    const { prefix, runtime } = this
    const resolver = createResolver(registry, { prefix }, runtime)
    const intervalMs = parseDuration(this.flags['check-interval'], '--check-interval')
    const checks = { check: parseCheck(this.flags.check), intervalMs: Math.max(intervalMs, SHORTEST_INTERVAL_MS) }
    const open = (service: string) =>
      new RegistrySource({
        ...{ service, resolver, checks, store, runtime },
        change: ({ address, to }, signal) => setRecord(registry, prefix, service, address, to, runtime, { signal }),
      })
    return attachTo(this.#services.map(open), this.signal)
  }

  async #askProxies() {
    const given = this.#admins
    const addresses = given.length > 0 ? given : (await this.#findSockets()).map(localAddress)
    if (addresses.length === 0) throw noProxy()
    const outcomes = await Promise.allSettled(addresses.map((address) => this.#ask(address)))
    const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []))
    const [first] = failures
    // One that was found may have ended since.
    if (first && (given.length > 0 || failures.length === addresses.length)) throw first
    for (const { message } of failures) this.note(message)
    return proxiesDocument(outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])))
  }

  async #ask(address: AdminAddress) {
    const client = this.#client(address)
    try {
      const json = await client.get('/state', this.signal)
      return { admin: address.name, json, state: readState(json) }
    } finally {
      client.close()
    }
  }

  async #checkServices() {
    const { prefix, signal } = this
    const { clock } = this.runtime
    const options = { store: await this.store(), prefix, check: parseCheck(this.flags.check), clock, signal }
    const timeoutMs = this.settings.commandTimeoutMs
    return servicesDocument(
      await Promise.all(this.#services.map((service) => checkOnce(service, { ...options, timeoutMs }))),
    )
  }

  #client(address: AdminAddress): AdminClient {
    const file = this.flags['admin-token-file']
    // Once: it may be a pipe, and more proxies may come.
    if (file !== undefined) this.#token ??= readToken(file)
    const options = { token: this.#token, timeoutMs: this.settings.commandTimeoutMs }
    return new AdminClient(address, options, this.runtime.clock)
  }

  get #admins(): readonly AdminAddress[] {
    return (this.args.admin ?? []).map(parseAdminAddress)
  }

  get #services(): readonly string[] {
    return [...new Set((this.flags.service ?? []).map(parseServiceName))]
  }

  #findSockets = (): Promise<readonly LocalSocket[]> => findSockets(runtimeFolders(process.env), 'proxy')
}

/** Endpoints are not checked more often than that, milliseconds. */
const SHORTEST_INTERVAL_MS = 100

function localAddress({ path }: LocalSocket): AdminAddress {
  return socketAddress(path, basename(path, '.sock'))
}
