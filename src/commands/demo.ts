import { Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { parseDuration } from '../core/library/duration.js'
import { chalkFor } from '../cli/output/color.js'
import { FairleadError } from '../core/errors.js'
import type { LiveBoard } from '../demo/live-board.js'
import { type Demo, SHORTEST_DEMO_MS, startDemo } from '../demo/run.js'
import type { DemoEvent, DemoView } from '../demo/state.js'
import { closingLine, distributionLine, eventLine, percent } from '../demo/text.js'

/** Between two lines of figures, milliseconds. */
const FIGURES_MS = 1000

export default class DemoCommand extends BaseCommand<typeof DemoCommand> {
  static override summary = 'Show registration, discovery and balancing at work, every part a process of its own'
  static override description = [
    'Starts an in-memory registry, three HTTP servers of weights 1, 2 and 3 wrapped by "fairlead register", a proxy over',
    'them and load on the proxy, all on free loopback ports. Halfway one server is told to end: it leaves the registry,',
    'drains, and comes back. A terminal shows the view of "fairlead top" (q quits, ? helps); elsewhere lines are printed. The last line is',
    '"N requests, F failed"; the exit status is 1 if F is above 0.',
  ].join(' ')
  static override examples = ['<%= config.bin %> demo', '<%= config.bin %> demo --for 5s --no-tui']
  static override flags = {
    'for': Flags.string({ description: 'how long the load lasts, at least 2s', helpValue: 'DURATION', default: '15s' }),
    'no-tui': Flags.boolean({ description: 'print lines even on a terminal' }),
  }
  static override longRunning = true

  async run() {
    const quit = new AbortController()
    const isLive = await this.#wantsScreen()
    let board: LiveBoard | undefined
    const demo = startDemo({
      root: this.config.root,
      durationMs: this.#duration(),
      signal: AbortSignal.any([this.signal, quit.signal]),
      runtime: this.runtime,
      onEvent: (event) => {
        if (isLive) board?.tell(event)
        else this.#tell(event)
      },
    })
    // Whatever the view does, the demo comes to its end.
    demo.finished.catch(() => {})
    if (isLive) {
      const { LiveBoard } = await import('../demo/live-board.js')
      board = new LiveBoard(demo.view, this.runtime)
      for (const event of demo.view().events) board.tell(event)
      await this.#show(board, demo.finished, () => quit.abort())
    } else {
      await this.#printFigures(demo)
    }
    const last = await demo.finished
    await this.#printSummary(last)
    return last.failed > 0 ? 1 : 0
  }

  #duration(): number {
    const ms = parseDuration(this.flags.for, '--for')
    if (ms >= SHORTEST_DEMO_MS) return ms
    throw new FairleadError('INVALID_ARGUMENT', `--for ${this.flags.for} is too short for the demo`, {
      hint: `give at least ${SHORTEST_DEMO_MS / 1000}s`,
    })
  }

  async #wantsScreen(): Promise<boolean> {
    if (this.flags['no-tui'] || (this.settings.output !== 'table' && this.settings.output !== 'wide')) return false
    const { canOpenScreen } = await import('../tui/can-open-screen.js')
    return canOpenScreen()
  }

  /** Shows the board until the demo has finished. */
  async #show(board: LiveBoard, finished: Promise<unknown>, quit: () => void): Promise<void> {
    const [{ showTop }, { carryOut }] = await Promise.all([import('../tui/show-top.js'), import('../top/carry-out.js')])
    const { store, attachment } = board
    const screen = showTop({
      board: store.board,
      subscribe: store.subscribe,
      color: chalkFor(process.stdout, this.settings.noColor, process.env).level > 0,
      onEffect: (effect) => {
        if (effect.kind === 'quit') quit()
        else void carryOut(effect.change, attachment.sources, store, this.runtime.clock)
      },
    })
    try {
      await Promise.race([finished, screen.failed])
    } catch (error) {
      quit()
      await finished.catch(() => {})
      throw error
    } finally {
      screen.close()
      board.close()
    }
  }

  /** Prints figures until the demo has finished. */
  async #printFigures({ view, finished }: Demo): Promise<void> {
    const timer = setInterval(() => {
      const now = view()
      if (now.requests > 0 && this.#isText) void this.emit({}, distributionLine(now))
    }, FIGURES_MS)
    await finished.finally(() => clearInterval(timer))
  }

  #tell(event: DemoEvent): void {
    if (this.settings.output === 'json') return
    void this.emit({ event: event.kind, atMs: Math.round(event.atMs), text: event.text }, eventLine(event))
  }

  async #printSummary(view: DemoView): Promise<void> {
    const rows = view.endpoints.map(({ address, weight, total: { requests, share, expected } }) => ({
      address,
      weight,
      requests,
      share,
      expected,
    }))
    const json = { requests: view.requests, failed: view.failed, endpoints: rows }
    await this.print({
      json,
      ndjson: [{ event: 'finished', ...json }],
      table: {
        columns: ['endpoint', 'weight', 'requests', 'share', 'expected'],
        rows: rows.map((row) => [row.address, row.weight, row.requests, percent(row.share), percent(row.expected)]),
        empty: 'the demo ended before anything was registered',
      },
    })
    if (this.#isText) await this.emit({}, closingLine(view))
  }

  get #isText(): boolean {
    return ['table', 'wide', 'plain'].includes(this.settings.output)
  }
}
