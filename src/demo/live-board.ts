import { findSockets, runtimeFolders } from '../core/admin/runtime-folder.js'
import type { Runtime } from '../core/runtime.js'
import { socketAddress } from '../top/admin/address.js'
import { AdminClient } from '../top/admin/client.js'
import { LocalProxies } from '../top/admin/local-proxies.js'
import { ProxySource } from '../top/admin/proxy-source.js'
import type { Attachment } from '../top/attach.js'
import type { EventLine } from '../top/board.js'
import { BoardStore } from '../top/board-store.js'
import type { DemoEvent, DemoView } from './state.js'
import { progress } from './text.js'

/** The proxy is new: it is looked for often. */
const LOOK_MS = 250
const TIMEOUT_MS = 5000
/** What the story tells of endpoints begins with their address. */
const OF_ENDPOINT = /^(127\.0\.0\.1:\d+) (.*)$/

/** What the live view shows of a running demo: its proxy, as `fairlead top` shows one, and the story around it. */
export class LiveBoard {
  readonly store: BoardStore
  readonly #proxies: LocalProxies
  readonly #view: () => DemoView
  readonly #startedAt: number

  /** `view` is asked again and again. */
  constructor(view: () => DemoView, runtime: Runtime) {
    const { clock } = runtime
    this.store = new BoardStore(clock)
    this.store.setBanner(() => progress(view()))
    this.#view = view
    this.#startedAt = clock.wall()
    const find = async () => {
      const { proxyPid } = view()
      if (proxyPid === undefined) return []
      return (await findSockets(runtimeFolders(process.env), 'proxy')).filter(({ pid }) => pid === proxyPid)
    }
    const open = ({ path }: { readonly path: string }) => {
      const client = new AdminClient(socketAddress(path, 'the proxy'), { timeoutMs: TIMEOUT_MS }, clock)
      return new ProxySource('the proxy', client, this.store, runtime)
    }
    this.#proxies = new LocalProxies(find, open, clock, LOOK_MS)
    void this.#proxies.start()
  }

  get attachment(): Attachment {
    return this.#proxies
  }

  /** Adds a line of the story. Of who joins the proxy tells itself, once it is there. */
  tell({ atMs, kind, text }: DemoEvent): void {
    if (kind === 'joined' && this.#view().proxyPid !== undefined) return
    const [, address, rest] = OF_ENDPOINT.exec(text) ?? []
    this.store.tell({
      key: `demo ${atMs} ${kind} ${text}`,
      at: this.#startedAt + atMs,
      word: kind,
      tone: TONES[kind] ?? 'neutral',
      subject: address ?? 'demo',
      text: rest ?? text,
    })
  }

  /** Idempotent. */
  close(): void {
    this.#proxies.close()
    this.store.close()
  }
}

const TONES: Readonly<Record<string, EventLine['tone'] | undefined>> = {
  joined: 'good',
  leaving: 'resting',
  left: 'resting',
  failed: 'bad',
}
