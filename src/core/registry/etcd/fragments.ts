import type { IEvent } from 'etcd3'

/**
 * Puts a watch's answers together again where etcd split them: what it returns never ends inside a revision, so that
 * the changes of one transaction stay together. At most one revision is held back.
 */
export class Fragments {
  #held: IEvent[] = []

  /** The complete revisions so far. `more` tells that this answer is continued by the next one. */
  add(events: readonly IEvent[], more: boolean): IEvent[] {
    const all = this.#held.length > 0 ? [...this.#held, ...events] : [...events]
    if (!more || all.length === 0) {
      this.#held = []
      return all
    }
    const last = all.at(-1)!.kv.mod_revision
    let cut = all.length
    while (cut > 0 && all[cut - 1]!.kv.mod_revision === last) cut--
    this.#held = all.slice(cut)
    return all.slice(0, cut)
  }
}
