import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { watchForClosedPipe } from '../cli/closed-pipe.js'
import { parseDuration } from '../core/library/duration.js'
import { runForEvent } from '../cli/event-command.js'
import { watchLines, type WatchLine } from '../cli/output/event-document.js'
import { createResolver } from '../core/discovery/resolver.js'
import { isRefusal } from '../core/errors.js'

export default class Watch extends BaseCommand<typeof Watch> {
  static override summary = 'Follow what comes, changes and goes'
  static override description = `The first line of a service is a snapshot of all its endpoints; then each change is a line of its own: put, delete (with the
reason: deregistered, expired, or deleted), stale when the registry is away, live when it is back. Goes on through
outages; ends with Ctrl-C, --timeout or --count, status 0.

--exec runs a command through sh for each line, one after another, in place of printing it. What happened is in FAIRLEAD_EVENT,
FAIRLEAD_SERVICE, FAIRLEAD_ADDRESS and FAIRLEAD_REVISION, and as JSON on its stdin.`
  static override examples = [
    '<%= config.bin %> watch web',
    '<%= config.bin %> watch -o ndjson | jq -r .type',
    `<%= config.bin %> watch web --exec 'echo "$FAIRLEAD_EVENT $FAIRLEAD_ADDRESS"'`,
  ]
  static override longRunning = true
  static override args = { service: Args.string({ description: 'name of the service; all services without it' }) }
  static override flags = {
    exec: Flags.string({ description: 'command to run for each event', helpValue: 'CMD' }),
    timeout: Flags.string({ description: 'end after this time', helpValue: 'DURATION' }),
    count: Flags.integer({ description: 'end after this many lines', min: 1, helpValue: 'N' }),
  }

  async run() {
    const { timeout } = this.flags
    const ended = new AbortController()
    const end = () => ended.abort()
    const cancelTimer =
      timeout === undefined ? undefined : this.runtime.clock.after(parseDuration(timeout, '--timeout'), end)
    const stopWatchingPipe = watchForClosedPipe(end)
    try {
      await this.#follow(AbortSignal.any([this.signal, ended.signal]), end)
    } finally {
      cancelTimer?.()
      stopWatchingPipe()
    }
  }

  async #follow(signal: AbortSignal, end: () => void): Promise<void> {
    const { service } = this.args
    const { count = Infinity } = this.flags
    const resolver = createResolver(await this.store(), { prefix: this.prefix }, this.runtime)
    let isKnown = false
    let told = 0
    for await (const event of resolver.events(service, signal)) {
      if (event.type === 'snapshot') isKnown = true
      if (event.type === 'stale' && !isKnown && isRefusal(event.error)) throw event.error
      for (const line of watchLines(event, service, this.runtime.clock.wall())) {
        if (signal.aborted) return
        await this.#tell(line, signal)
        if (++told >= count) return end()
      }
    }
  }

  async #tell(line: WatchLine, signal: AbortSignal): Promise<void> {
    const { exec } = this.flags
    if (exec === undefined) return this.emit(line.json, line.text)
    const status = await runForEvent(exec, line, signal)
    if (status !== 0 && !signal.aborted) this.note(`the command ended with ${status} for ${line.json.type}`)
  }
}
